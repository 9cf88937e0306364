#include "client/partition_reader.h"

#include <kj/debug.h>

#include "client/error_mapping.h"

namespace cambium::client {
namespace {

// A broker that answers at once although there is nothing must not be asked in a tight loop.
constexpr uint32_t kFetchWaitMsMin = 10;

}  // namespace

// Receives pushes. The broker holds it, so it may outlive what it feeds: then it refuses.
class PartitionReader::Sink final : public rpc::RecordSink::Server {
 public:
  // Shared by the sink and the coroutine that made it.
  struct Link final : public kj::Refcounted {
    kj::Maybe<PartitionReader&> reader;
    kj::Own<kj::PromiseFulfiller<Result<void>>> done;
  };
  explicit Sink(kj::Own<Link> link) : link_(kj::mv(link)) {}

  kj::Promise<void> push(PushContext context) override {
    auto link = kj::addRef(*link_);
    KJ_IF_MAYBE(reader, link->reader) {
      auto delivery = context.getParams().getDelivery();
      auto bytes = kj::heapArray<const kj::byte>(delivery.getBatches());
      reader->highWatermark_ = Offset(delivery.getHighWatermark());
      Offset next(delivery.getNextOffset());
      context.releaseParams();
      ByteView view = bytes;
      auto shared = kj::refcounted<SharedBytes>(view, kj::mv(bytes));
      reader->add(FetchedChunk(kj::mv(shared), next, reader->options_.checkCrc), next);
    }
    // Not returning is what holds the broker back.
    while (true) {
      KJ_IF_MAYBE(reader, link->reader) {
        if (!reader->isFull()) co_return;
        co_await reader->roomWaiters_.wait();
      } else {
        kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "nobody listens any more"));
      }
    }
  }

  kj::Promise<void> done(DoneContext context) override {
    Result<void> outcome;
    KJ_IF_MAYBE(error, errorIn(context.getParams().getError())) outcome = kj::mv(*error);
    link_->done->fulfill(kj::mv(outcome));
    return kj::READY_NOW;
  }

 private:
  kj::Own<Link> link_;
};

PartitionReader::PartitionReader(Connection& connection, const ConsumerOptions& options, Events& events,
                                 kj::String topic, PartitionIndex partition, Offset start)
    : connection_(connection),
      timer_(connection.timer()),
      options_(options),
      events_(events),
      topic_(kj::mv(topic)),
      partition_(partition),
      position_(start),
      fetchOffset_(start),
      backoff_(options.retryBackoffMs, 1'000) {
  this->start();
}

PartitionReader::~PartitionReader() noexcept(false) {
  dropChunks();
}

// --- Giving out
// ----------------------------------------------------------------------------------------------------------

void PartitionReader::take(ConsumedRecords& out, size_t recordsMax) {
  size_t before = out.size();
  while (!chunks_.empty() && out.size() - before < recordsMax) {
    auto& chunk = chunks_.front();
    ConsumedRecord like{topic_, partition_, kNoOffset, kNoTimestamp, nullptr, nullptr, nullptr};
    bool done = false;
    auto taken = chunk.take(out, recordsMax - (out.size() - before), like, position_, done);
    if (!taken.ok()) {
      run_ = nullptr;
      auto error = kj::mv(taken.error());
      dropChunks();
      return fail(kj::mv(error));
    }
    if (!done) break;
    auto size = chunk.sizeBytes();
    chunks_.pop_front();
    chunkBytes_ -= size;
    events_.buffered(-static_cast<int64_t>(size));
  }
}

kj::Maybe<Error> PartitionReader::takeError() {
  auto error = kj::mv(error_);
  error_ = nullptr;
  return error;
}

void PartitionReader::seek(Offset offset) {
  run_ = nullptr;
  dropChunks();
  position_ = offset;
  fetchOffset_ = offset;
  failed_ = false;
  error_ = nullptr;
  start();
}

void PartitionReader::wake() {
  roomWaiters_.wakeAll();
}

void PartitionReader::dropChunks() {
  events_.buffered(-static_cast<int64_t>(chunkBytes_));
  chunks_.clear();
  chunkBytes_ = 0;
}

// --- Reading ahead
// ---------------------------------------------------------------------------------------------------------

void PartitionReader::start() {
  run_ = run().eagerlyEvaluate([this](kj::Exception&& e) { fail(errorFrom(e)); });
}

void PartitionReader::fail(Error error) {
  failed_ = true;
  error_ = makeError(error.code, topic_, "-", partition_, ": ", error.message);
  events_.arrived();
}

void PartitionReader::add(FetchedChunk chunk, Offset nextOffset) {
  fetchOffset_ = nextOffset;
  auto size = chunk.sizeBytes();
  chunkBytes_ += size;
  chunks_.push_back(kj::mv(chunk));
  events_.buffered(static_cast<int64_t>(size));
  events_.arrived();
}

bool PartitionReader::isFull() const {
  return chunkBytes_ >= options_.prefetchBytesPerPartition || (chunkBytes_ > 0 && !events_.hasRoom());
}

// Goes on until an error that waiting does not cure.
kj::Promise<void> PartitionReader::run() {
  co_await kj::evalLater([] {});  // not inside the constructor
  while (!failed_) {
    while (isFull())
      co_await roomWaiters_.wait();
    auto outcome = co_await ensureOpen();
    if (outcome.ok()) outcome = co_await (options_.transfer == Transfer::kPush ? receivePushes() : readOnce());
    if (outcome.ok()) {
      backoff_.succeeded();
      continue;
    }
    auto error = kj::mv(outcome.error());
    if (error.code == ErrorCode::kOffsetOutOfRange && options_.outOfRange != OutOfRange::kFail) {
      auto moved = co_await moveIntoRange();
      if (moved.ok()) continue;
      error = kj::mv(moved.error());
    }
    // A partition that is offline stays so until its broker starts again: waiting would only hide why nothing comes.
    if (!isRetryable(error.code) || error.code == ErrorCode::kStorageError) {
      fail(kj::mv(error));
      co_return;
    }
    if (error.code == ErrorCode::kBrokerNotAvailable) access_ = nullptr;
    co_await timer_.afterDelay(backoff_.next());
  }
}

kj::Promise<Result<void>> PartitionReader::ensureOpen() {
  if (access_ == nullptr) {
    auto opened = co_await openPartition(connection_, kj::str(topic_), partition_);
    if (!opened.ok()) co_return kj::mv(opened.error());
    access_ = kj::mv(opened.value());
  }
  co_return Result<void>();
}

kj::Promise<Result<void>> PartitionReader::readOnce() {
  try {
    auto call = KJ_ASSERT_NONNULL(access_).cap.readRequest();
    auto request = call.initRequest();
    request.setFrom(fetchOffset_.value());
    request.setBytesMax(options_.fetchBytesMax);
    request.setBytesMin(1);
    request.setWaitMsMax(kj::max(options_.fetchWaitMsMax, kFetchWaitMsMin));
    auto response = co_await call.send();
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
    auto chunk = response.getChunk();
    highWatermark_ = Offset(chunk.getHighWatermark());
    Offset next(chunk.getNextOffset());
    if (chunk.getBatches().size() == 0 && next == fetchOffset_) {
      events_.arrived();
    } else {
      ByteView bytes = chunk.getBatches();
      add(FetchedChunk(kj::refcounted<SharedBytes>(bytes, kj::mv(response)), next, options_.checkCrc), next);
    }
    co_return Result<void>();
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
}

// Holds a subscription until it ends, which is always for a reason.
kj::Promise<Result<void>> PartitionReader::receivePushes() {
  auto ended = kj::newPromiseAndFulfiller<Result<void>>();
  auto link = kj::refcounted<Sink::Link>();
  link->reader = *this;
  link->done = kj::mv(ended.fulfiller);
  KJ_DEFER(link->reader = nullptr);
  try {
    auto request = KJ_ASSERT_NONNULL(access_).cap.subscribeRequest();
    request.setFrom(fetchOffset_.value());
    request.setSink(kj::heap<Sink>(kj::addRef(*link)));
    auto options = request.initOptions();
    options.setFormat(rpc::SubscribeOptions::Format::BATCHES);
    options.setBytesPerPush(options_.fetchBytesMax);
    auto lost = connection_.onDisconnect().then(
        []() -> Result<void> { return makeError(ErrorCode::kBrokerNotAvailable, "the connection was lost"); });
    auto response = co_await request.send();
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
    auto subscription = response.getSubscription();
    if (highWatermark_ == kNoOffset) {
      auto position = co_await subscription.positionRequest().send();
      highWatermark_ = kj::max(highWatermark_, Offset(position.getHighWatermark()));
      events_.arrived();
    }
    co_return co_await ended.promise.exclusiveJoin(kj::mv(lost));
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
}

kj::Promise<Result<void>> PartitionReader::moveIntoRange() {
  try {
    auto request = KJ_ASSERT_NONNULL(access_).cap.findOffsetRequest();
    if (options_.outOfRange == OutOfRange::kBeginning) {
      request.initPosition().setEarliest();
    } else {
      request.initPosition().setLatest();
    }
    auto response = co_await request.send();
    KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
    dropChunks();
    position_ = fetchOffset_ = Offset(response.getFound().getOffset());
    co_return Result<void>();
  } catch (const kj::Exception& e) {
    co_return errorFrom(e);
  }
}

}  // namespace cambium::client
