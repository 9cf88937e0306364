#include "server/kafka/connection.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/api_versions.h"

namespace cambium::kafka {

namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kDiscardBytes = 64 << 10;
constexpr int16_t kApiVersionsKey = 18;
// A large answer is written in parts, so that it shows whether the client takes it.
constexpr size_t kWriteBytes = 512 << 10;
// While others wait for room, an answer may take the time for which it stands still, and this for each part.
constexpr int64_t kPressedPartMs = 1000;
// What serving takes, in units of WorkShare.
constexpr size_t kUnitsPerRequest = 4;
constexpr size_t kBytesPerUnit = 4 << 10;

kj::Promise<void> wait(LightFulfiller& waiting) {
  auto wait = newLightPromise();
  waiting = kj::mv(wait.fulfiller);
  return kj::mv(wait.promise);
}

}  // namespace

// A request, from its frame to its answer's last byte.
struct Connection::Call {
  Call(DoorContext& door, const ConnectionFacts& facts, SharedBudget::Account& account, kj::Timer& timer, Frame frame)
      : frame(kj::mv(frame)), context{door, facts, {}, {account, timer, door.limits.answerWaitMsMax}} {}

  Frame frame;
  RequestContext context;
  bool pipelined = false;
  bool answered = false;
  bool malformed = false;
  Reply reply;
  kj::Promise<void> work = nullptr;  // last: uses the rest
};

Connection::Connection(kj::Own<BufferedStream> stream, ConnectionFacts facts, DoorContext& door,
                       RequestBudgets& requests, LogLimiter& log, kj::Timer& timer)
    : stream_(kj::mv(stream)),
      facts_(kj::mv(facts)),
      door_(door),
      account_(door.answers, facts_.clientHost),
      share_(door.broker.here().turns()),
      log_(log),
      timer_(timer),
      frames_(*stream_, door.limits, requests, timer),
      writingSince_(timer.now()),
      writtenAt_(timer.now()),
      reading_([this](kj::Maybe<kj::Exception> failure) { hasRead(kj::mv(failure)); }),
      writingReplies_([this](kj::Maybe<kj::Exception> failure) { hasWritten(kj::mv(failure)); }) {}

// A connection that is gone counts as idle: whoever waits for that goes on.
Connection::~Connection() noexcept(false) {
  idleWaits_.fulfill();
}

kj::Promise<void> Connection::run() {
  auto over = newLightPromise();
  over_ = kj::mv(over.fulfiller);
  reading_.start(readRequests());
  writingReplies_.start(writeReplies());
  return kj::mv(over.promise);
}

// First all requests, then what is thrown away.
void Connection::hasRead(kj::Maybe<kj::Exception> failure) {
  KJ_IF_MAYBE(e, failure) return over_.reject(kj::mv(*e));
  if (!mayRead_) {
    clientEnded_ = true;
    if (isWritten_) over_.fulfill();
    return;
  }
  mayRead_ = false;
  writerWaits_.fulfill();
  serveNoMore();
  reading_.start(discardInput());
}

void Connection::hasWritten(kj::Maybe<kj::Exception> failure) {
  KJ_IF_MAYBE(e, failure) return over_.reject(kj::mv(*e));
  if (clientEnded_) over_.fulfill();
}

kj::Promise<void> Connection::whenIdle() {
  if (isWritten_) return kj::READY_NOW;
  auto idle = wait(idleWaits_);
  writerWaits_.fulfill();
  return idle;
}

bool Connection::cutOff(kj::StringPtr why) {
  log_.warn("a Kafka connection is closed", facts_.clientHost, ", ", why);
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
    auto next = co_await frames_.next();
    if (!serving_) co_return;
    if (next.is<FrameReader::End>()) {
      KJ_IF_MAYBE(fault, next.get<FrameReader::End>().fault) cutOff(*fault);
      co_return;
    }
    auto& frame = next.get<Frame>();
    if (share_.useForRequest(kUnitsPerRequest + frame.bytes.size() / kBytesPerUnit)) co_await share_.turn();
    if (!serving_) co_return;
    ++begun_;
    if (!co_await begin(kj::heap<Call>(door_, facts_, account_, timer_, kj::mv(frame)))) co_return;
  }
}

// Closing a connection with something unread would make the system throw away what the client has not taken yet.
kj::Promise<void> Connection::discardInput() {
  auto buffer = kj::heapArray<kj::byte>(kDiscardBytes);
  while (co_await stream_->tryRead(buffer.begin(), 1, buffer.size()) > 0) {
  }
}

// A client that closes its end still gets the answers to what it has sent, if they do not take long: it may just as
// well be gone.
void Connection::serveNoMore() {
  if (!serving_) return;
  serving_ = false;
  overdue_ = timer_.afterDelay(door_.limits.afterEndMsMax * kj::MILLISECONDS)
                 .then([this] { over_.fulfill(); })
                 .eagerlyEvaluate(nullptr);
  readerWaits_.fulfill();
}

// --- Serving
// -----------------------------------------------------------------------------------------------------------------

bool Connection::mayBegin(const Api& api) const {
  return api.pipelined ? beingServed_ == pipelined_ : beingServed_ == 0;
}

kj::Promise<bool> Connection::begin(kj::Own<Call> call) {
  auto& header = call->context.header;
  ByteReader in(call->frame.bytes);
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
      writerWaits_.fulfill();
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
    auto body = started.frame.bytes.slice(started.frame.bytes.size() - in.remaining(), started.frame.bytes.size());
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
    writerWaits_.fulfill();
    // What comes behind it must not begin before it has: it may be a produce request.
    if (started.context.room.isWaiting()) co_await started.context.room.whenGrown();
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
  size_t size = 0;
  KJ_IF_MAYBE(reply, call.reply) size = reply->size();
  unsentBytes_ += size;
  call.context.room.settle(Bytes(size));
  share_.use(size / kBytesPerUnit);
  call.frame = {};
  readerWaits_.fulfill();
  writerWaits_.fulfill();
}

// --- Writing
// -----------------------------------------------------------------------------------------------------------------

// Done when nothing more is to be answered, the system has taken what was, and the client is told that this was all.
kj::Promise<void> Connection::writeReplies() {
  co_await answerInOrder();
  co_await stream_->flushed();
  stream_->shutdownWrite();
  isWritten_ = true;
  idleWaits_.fulfill();
}

kj::Promise<void> Connection::answerInOrder() {
  for (;;) {
    while (calls_.empty()) {
      if (!mayRead_) co_return;
      if (idleWaits_.isWaiting()) {
        co_await stream_->flushed();
        if (calls_.empty()) idleWaits_.fulfill();
        continue;
      }
      co_await wait(writerWaits_);
    }
    // Its exceptions come out here: the connection ends.
    co_await calls_.front()->work;
    if (calls_.front()->malformed) co_return;
    auto call = kj::mv(calls_.front());
    KJ_IF_MAYBE(reply, call->reply) {
      writing_ = true;
      co_await write(*reply);
      writing_ = false;
      unsentBytes_ -= reply->size();
    }
    calls_.pop_front();
    readerWaits_.fulfill();
  }
}

kj::Promise<void> Connection::write(const Encoded& reply) {
  writingBytes_ = reply.size();
  writingSince_ = writtenAt_ = timer_.now();
  auto pieces = reply.pieces();
  kj::Vector<ByteView> part;
  size_t size = 0;
  for (auto piece : pieces) {
    while (piece.size() > 0) {
      auto some = piece.slice(0, kj::min(piece.size(), kWriteBytes - size));
      part.add(some);
      size += some.size();
      piece = piece.slice(some.size(), piece.size());
      if (size < kWriteBytes) continue;
      co_await stream_->write(part);
      writtenAt_ = timer_.now();
      part.clear();
      size = 0;
    }
  }
  if (size > 0) co_await stream_->write(part);
}

bool Connection::isSlow() const {
  auto patience = door_.limits.pressedUntakenMsMax * kj::MILLISECONDS;
  auto parts = static_cast<int64_t>(writingBytes_ / kWriteBytes);
  auto now = timer_.now();
  return writing_ &&
         (now - writtenAt_ > patience || now - writingSince_ > patience + parts * kPressedPartMs * kj::MILLISECONDS);
}

void Connection::checkPace() {
  bool standsStill = writing_ && timer_.now() - writtenAt_ > door_.limits.untakenMsMax * kj::MILLISECONDS;
  if (standsStill) {
    cutOff("it does not take its answers");
  } else if (isSlow() && account_.pressed()) {
    cutOff("it is slow to take its answers, and others wait for their room");
  } else {
    return;
  }
  over_.fulfill();
}

}  // namespace cambium::kafka
