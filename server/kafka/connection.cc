#include "server/kafka/connection.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/api_versions.h"

namespace cambium::kafka {

namespace {

constexpr size_t kLengthBytes = 4;
// So much of a frame must have arrived before memory for the rest is taken.
constexpr size_t kFirstPartBytes = 64 << 10;
constexpr size_t kPartBytes = 1 << 20;
constexpr int16_t kApiVersionsKey = 18;

void wake(kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>>& waiting) {
  KJ_IF_MAYBE(fulfiller, waiting) (*fulfiller)->fulfill();
  waiting = nullptr;
}

kj::Promise<void> wait(kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>>& waiting) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  waiting = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

}  // namespace

// A request, from its frame to its answer's last byte.
struct Connection::Call {
  Call(DoorContext& door, const ConnectionFacts& facts, kj::Array<kj::byte> frame, ByteBudget::Lease lease)
      : frame(kj::mv(frame)), lease(kj::mv(lease)), context{door, facts, {}} {}

  kj::Array<kj::byte> frame;
  ByteBudget::Lease lease;
  RequestContext context;
  bool pipelined = false;
  bool answered = false;
  bool malformed = false;
  Reply reply;
  kj::Promise<void> work = nullptr;  // last: uses the rest
};

Connection::Connection(kj::Own<BufferedStream> stream, ConnectionFacts facts, DoorContext& door,
                       RequestBudgets& requests, kj::Timer& timer)
    : stream_(kj::mv(stream)), facts_(kj::mv(facts)), door_(door), requests_(requests), timer_(timer) {}

// Who waits for it to be idle has nothing to wait for any more.
Connection::~Connection() noexcept(false) {
  wake(idleWaits_);
}

kj::Promise<void> Connection::run() {
  auto ended = kj::newPromiseAndFulfiller<void>();
  ended_ = kj::mv(ended.fulfiller);
  // A client that closes its end still gets the answers to what it has sent, if they do not take long: it may just as
  // well be gone.
  auto overdue =
      ended.promise.then([this] { return timer_.afterDelay(door_.limits.afterEndMsMax * kj::MILLISECONDS); });
  auto reading = readRequests()
                     .then([this] {
                       reading_ = false;
                       wake(writerWaits_);
                       serveNoMore();
                       return discardInput();
                     })
                     .fork();
  auto broken = reading.addBranch().then([]() -> kj::Promise<void> { return kj::NEVER_DONE; });
  return writeReplies()
      .then([clientEnds = reading.addBranch()]() mutable { return kj::mv(clientEnds); })
      .exclusiveJoin(kj::mv(broken))
      .exclusiveJoin(kj::mv(overdue))
      .exclusiveJoin(watchWriter());
}

kj::Promise<void> Connection::whenIdle() {
  if (isWritten_) return kj::READY_NOW;
  auto idle = wait(idleWaits_);
  wake(writerWaits_);
  return idle;
}

bool Connection::cutOff(kj::StringPtr why) {
  KJ_LOG(WARNING, "a Kafka connection is closed", facts_.clientHost, why);
  return false;
}

// --- Reading
// -----------------------------------------------------------------------------------------------------------------

kj::Promise<void> Connection::readRequests() {
  for (;;) {
    auto isFull = [this] {
      return calls_.size() >= door_.limits.requestsPerConnectionMax ||
             unsentBytes_ > door_.limits.unsentBytesMax.value();
    };
    while (serving_ && isFull())
      co_await wait(readerWaits_);
    auto call = co_await readFrame();
    if (!serving_) co_return;
    KJ_IF_MAYBE(next, call) {
      if (!co_await begin(kj::mv(*next))) co_return;
    } else {
      co_return;
    }
  }
}

// Closing a connection with something unread would make the system throw away what the client has not taken yet.
kj::Promise<void> Connection::discardInput() {
  auto buffer = kj::heapArray<kj::byte>(kFirstPartBytes);
  while (co_await stream_->tryRead(buffer.begin(), 1, buffer.size()) > 0) {
  }
}

void Connection::serveNoMore() {
  serving_ = false;
  ended_->fulfill();
  wake(readerWaits_);
}

kj::Promise<kj::Maybe<kj::Own<Connection::Call>>> Connection::readFrame() {
  using None = kj::Maybe<kj::Own<Call>>;
  kj::byte length[kLengthBytes];
  auto idle = timer_.afterDelay(door_.limits.idleMsMax * kj::MILLISECONDS).then([] { return size_t{0}; });
  if (co_await stream_->tryRead(length, kLengthBytes, kLengthBytes).exclusiveJoin(kj::mv(idle)) < kLengthBytes) {
    co_return None(nullptr);
  }
  auto size = loadBigEndian<int32_t>(length);
  constexpr int32_t kHeaderBytesMin = 8;
  if (size < kHeaderBytesMin || static_cast<uint64_t>(size) > door_.limits.frameBytesMax.value()) {
    cutOff(kj::str("a frame claims ", size, " bytes, expected ", kHeaderBytesMin, " to ", door_.limits.frameBytesMax,
                   " (--kafka_frame_bytes_max)"));
    co_return None(nullptr);
  }
  auto whole = static_cast<size_t>(size);
  // A frame is read straight into its place while there is plenty of room. When it is short, a large one is taken in
  // when its first part has come, a small one as a whole: a claim alone costs nobody room.
  auto& budget = requests_.of(Bytes(whole));
  bool roomy = whole > kFirstPartBytes && budget.roomyFor(Bytes(whole));
  kj::Array<kj::byte> begun;
  if (!roomy) {
    begun = kj::heapArray<kj::byte>(kj::min(whole, kFirstPartBytes));
    if (!co_await readParts(begun)) co_return None(nullptr);
  }
  ByteBudget::Lease lease;
  KJ_IF_MAYBE(now, budget.tryTake(Bytes(whole))) {
    lease = kj::mv(*now);
  } else {
    lease = co_await budget.take(Bytes(whole));
  }
  if (whole == begun.size()) co_return None(kj::heap<Call>(door_, facts_, kj::mv(begun), kj::mv(lease)));
  auto frame = kj::heapArray<kj::byte>(whole);
  if (begun.size() > 0) memcpy(frame.begin(), begun.begin(), begun.size());
  auto rest = frame.slice(begun.size(), whole);
  begun = nullptr;
  if (!co_await readParts(rest)) co_return None(nullptr);
  co_return None(kj::heap<Call>(door_, facts_, kj::mv(frame), kj::mv(lease)));
}

// False when the client ends or stalls before all of it has come.
kj::Promise<bool> Connection::readParts(kj::ArrayPtr<kj::byte> into) {
  while (into.size() > 0) {
    auto part = into.slice(0, kj::min(into.size(), kPartBytes));
    auto late = timer_.afterDelay(door_.limits.frameStepMsMax * kj::MILLISECONDS).then([] { return SIZE_MAX; });
    auto got = co_await stream_->tryRead(part.begin(), part.size(), part.size()).exclusiveJoin(kj::mv(late));
    if (got == SIZE_MAX) co_return cutOff("a frame was begun and did not go on");
    if (got < part.size()) co_return false;
    into = into.slice(part.size(), into.size());
  }
  co_return true;
}

// --- Serving
// -----------------------------------------------------------------------------------------------------------------

bool Connection::mayBegin(const Api& api) const {
  return api.pipelined ? beingServed_ == pipelined_ : beingServed_ == 0;
}

kj::Promise<bool> Connection::begin(kj::Own<Call> call) {
  auto& header = call->context.header;
  ByteReader in(call->frame);
  readHeaderStart(in, header);
  auto found = findApi(header.key);
  KJ_IF_MAYBE(api, found) {
    if (!api->served.contains(header.version)) {
      if (header.key != kApiVersionsKey) {
        co_return cutOff(kj::str(api->name, " is asked for in version ", header.version, ", served are ",
                                 api->served.first, " to ", api->served.last));
      }
      while (serving_ && beingServed_ > 0)
        co_await wait(readerWaits_);
      if (!serving_) co_return false;
      answerUnknownVersion(*call);
      calls_.push_back(kj::mv(call));
      wake(writerWaits_);
      co_return true;
    }
    if (!readHeaderRest(in, api->flexible(header.version), header)) co_return cutOff("a request header is malformed");
    while (serving_ && (!mayBegin(*api) || unsentBytes_ > door_.limits.unsentBytesMax.value()))
      co_await wait(readerWaits_);
    if (!serving_) co_return false;
    call->pipelined = api->pipelined;
    ++beingServed_;
    if (call->pipelined) ++pipelined_;
    auto& started = *call;
    calls_.push_back(kj::mv(call));
    auto body = started.frame.slice(started.frame.size() - in.remaining(), started.frame.size());
    started.work = api->serve(started.context, body)
                       .then([this, &started, api](kj::OneOf<Reply, Malformed> outcome) {
                         if (outcome.is<Malformed>()) {
                           started.malformed = true;
                           cutOff(kj::str("a request is malformed: ", api->name, " in version ",
                                          started.context.header.version, ": ", outcome.get<Malformed>().reason));
                           return serveNoMore();
                         }
                         started.reply = kj::mv(outcome.get<Reply>());
                         done(started);
                       })
                       .eagerlyEvaluate(nullptr);
    wake(writerWaits_);
    co_return true;
  }
  co_return cutOff(kj::str("there is no API with key ", header.key));
}

// Version 0 with the error and the list of what is served (KIP-511): whoever asks can read that.
void Connection::answerUnknownVersion(Call& call) {
  ApiVersionsResponse response;
  response.errorCode = wireCode(ErrorCode::kUnsupportedVersion);
  listApis(response);
  call.reply = encodeBehind(response, 0, [&](auto& out, size_t total) {
    out.number(static_cast<int32_t>(total) - static_cast<int32_t>(kLengthBytes));
    out.number(call.context.header.correlationId);
  });
  call.work = kj::READY_NOW;
  ++beingServed_;
  done(call);
}

void Connection::done(Call& call) {
  call.answered = true;
  --beingServed_;
  if (call.pipelined) --pipelined_;
  KJ_IF_MAYBE(reply, call.reply) unsentBytes_ += reply->size();
  call.frame = nullptr;
  call.lease = {};
  wake(readerWaits_);
  wake(writerWaits_);
}

// --- Writing
// -----------------------------------------------------------------------------------------------------------------

// Done when nothing more is to be answered, the system has taken what was, and the client is told that this was all.
kj::Promise<void> Connection::writeReplies() {
  co_await answerInOrder();
  co_await stream_->flushed();
  stream_->shutdownWrite();
  isWritten_ = true;
  wake(idleWaits_);
}

kj::Promise<void> Connection::answerInOrder() {
  for (;;) {
    while (calls_.empty()) {
      if (!reading_) co_return;
      if (idleWaits_ != nullptr) {
        co_await stream_->flushed();
        if (calls_.empty()) wake(idleWaits_);
        continue;
      }
      co_await wait(writerWaits_);
    }
    // Its exceptions come out here: the connection ends.
    co_await calls_.front()->work;
    if (calls_.front()->malformed) co_return;
    auto call = kj::mv(calls_.front());
    KJ_IF_MAYBE(reply, call->reply) {
      auto pieces = reply->pieces();
      writing_ = true;
      co_await stream_->write(pieces);
      writing_ = false;
      ++written_;
      unsentBytes_ -= reply->size();
    }
    calls_.pop_front();
    wake(readerWaits_);
  }
}

kj::Promise<void> Connection::watchWriter() {
  for (;;) {
    uint64_t before = written_;
    co_await timer_.afterDelay(door_.limits.untakenMsMax * kj::MILLISECONDS);
    if (writing_ && written_ == before) {
      cutOff("it does not take its answers");
      co_return;
    }
  }
}

}  // namespace cambium::kafka
