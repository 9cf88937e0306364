#include "client/partition_sender.h"

#include <kj/debug.h>

#include "client/error_mapping.h"

namespace cambium::client {
namespace {

// Of a batch with Acks::kNone.
constexpr Acknowledged kHandedOver{kNoOffset, kNoTimestamp};

rpc::Acks toRpc(Acks acks) {
  switch (acks) {
    case Acks::kAll:
      return rpc::Acks::ALL;
    case Acks::kLeader:
      return rpc::Acks::LEADER;
    case Acks::kNone:
      return rpc::Acks::NONE;
  }
  KJ_UNREACHABLE;
}

}  // namespace

PartitionSender::PartitionSender(Connection& connection, const ProducerOptions& options, Events& events,
                                 kj::StringPtr topic, PartitionIndex partition)
    : connection_(connection),
      timer_(connection.timer()),
      options_(options),
      events_(events),
      topic_(kj::str(topic)),
      partition_(partition),
      backoff_(options.retryBackoffMs, options.retryBackoffMsMax),
      tasks_(*this) {}

PartitionSender::~PartitionSender() noexcept(false) = default;

void PartitionSender::taskFailed(kj::Exception&& e) {
  KJ_LOG(ERROR, "sending records failed", topic_, partition_, e);
}

// --- Gathering
// -----------------------------------------------------------------------------------------------------------

void PartitionSender::add(kj::Maybe<ByteView> key, kj::Maybe<ByteView> value, kj::ArrayPtr<const Header> headers,
                          kj::TimePoint deadline, OutgoingAck ack) {
  size_t size = BatchBuilder::recordSizeBytes(key, value, headers);
  bool closedOne = false;
  if (!queue_.empty() && !queue_.back()->closed && queue_.back()->sizeBytes() + size > options_.batchBytesMax) {
    close(*queue_.back());
    closedOne = true;
  }
  if (queue_.empty() || queue_.back()->closed) {
    auto dueAt = timer_.now() + options_.lingerMs * kj::MILLISECONDS;
    queue_.push_back(kj::heap<OutgoingBatch>(options_.codec, deadline, dueAt, nextNumber_++));
  }
  auto& batch = *queue_.back();
  batch.add(key, value, headers, kj::mv(ack));
  if (batch.sizeBytes() >= options_.batchBytesMax) {
    close(batch);
    closedOne = true;
  }
  if (closedOne) {
    pump();
  } else if (events_.isFlushing()) {
    pumpSoon();  // not by armLinger(), which may be waiting for the time of an earlier batch
  } else {
    // Also without lingering, what this turn of the loop adds goes together.
    armLinger(batch.dueAt);
  }
}

void PartitionSender::flush() {
  if (!queue_.empty()) close(*queue_.back());
  pump();
}

void PartitionSender::close(OutgoingBatch& batch) {
  if (batch.closed) return;
  batch.closed = true;
  events_.closed(partition_);
}

bool PartitionSender::isDue(const OutgoingBatch& batch) const {
  return batch.closed || events_.isFlushing() || timer_.now() >= batch.dueAt;
}

void PartitionSender::armLinger(kj::TimePoint until) {
  if (lingering_) return;
  lingering_ = true;
  tasks_.add(linger(until));
}

kj::Promise<void> PartitionSender::linger(kj::TimePoint until) {
  if (until > timer_.now()) {
    co_await timer_.atTime(until);
  } else {
    co_await kj::evalLast([] {});
  }
  lingering_ = false;
  pump();
}

// At the end of this turn of the loop, with all that it adds.
void PartitionSender::pumpSoon() {
  if (pumpingSoon_) return;
  pumpingSoon_ = true;
  tasks_.add(kj::evalLast([this] {
    pumpingSoon_ = false;
    pump();
  }));
}

// --- Sending
// -------------------------------------------------------------------------------------------------------------

void PartitionSender::pump() {
  expire();
  if (backingOff_ || opening_ || !failed_.empty()) return;
  uint32_t inFlightMax = recovering_ ? 1 : kj::max(options_.inFlightPerPartitionMax, 1u);
  while (inFlight_ < inFlightMax && !queue_.empty()) {
    if (!isDue(*queue_.front())) return armLinger(queue_.front()->dueAt);
    if (access_ == nullptr) {
      opening_ = true;
      tasks_.add(open());
      return;
    }
    close(*queue_.front());
    auto batch = kj::mv(queue_.front());
    queue_.pop_front();
    ++inFlight_;
    ++batch->attempts;
    tasks_.add(transmit(kj::mv(batch)));
  }
}

// Gives up on what waited too long. Deadlines ascend along the queue.
void PartitionSender::expire() {
  while (!queue_.empty() && timer_.now() >= queue_.front()->deadline) {
    auto batch = kj::mv(queue_.front());
    queue_.pop_front();
    close(*batch);
    kj::StringPtr why = "the broker did not answer"_kj;
    KJ_IF_MAYBE(problem, lastProblem_) why = problem->message;
    auto error = makeError(ErrorCode::kRequestTimedOut, batch->acks.size(), " records for ", topic_, "-", partition_,
                           " were not acknowledged within ", options_.deliveryTimeoutMs, " ms (", batch->attempts,
                           " attempts): ", why);
    events_.failed(*batch, error);
  }
}

kj::Promise<void> PartitionSender::open() {
  auto deadline = queue_.front()->deadline;
  auto opened = co_await within(timer_, deadline, openPartition(connection_, kj::str(topic_), partition_));
  opening_ = false;
  if (opened.ok()) {
    access_ = kj::mv(opened.value());
    pump();
  } else {
    openFailed(kj::mv(opened.error()));
  }
}

void PartitionSender::openFailed(Error error) {
  if (isRetryable(error.code)) {
    noteProblem(kj::mv(error));
    backOff();
    return;
  }
  auto all = kj::mv(queue_);
  queue_.clear();
  for (auto& batch : all) {
    close(*batch);
    events_.failed(*batch, error);
  }
}

kj::Promise<void> PartitionSender::transmit(Batch batch) {
  auto result = co_await kj::evalNow([&] { return attempt(*batch); }).catch_([](kj::Exception&& e) {
    return Result<Acknowledged>(errorFrom(e));
  });
  --inFlight_;
  if (result.ok()) {
    backoff_.succeeded();
    recovering_ = false;
    lastProblem_ = nullptr;
    bool hasPlace = options_.acks != Acks::kNone;
    events_.delivered(*batch, partition_, hasPlace ? result.value() : kHandedOver);
  } else {
    attemptFailed(kj::mv(batch), kj::mv(result.error()));
  }
  if (!failed_.empty() && inFlight_ == 0) {
    // Everything that was on the way has come back: go on with the earliest.
    for (; !failed_.empty(); failed_.pop_back())
      queue_.push_front(kj::mv(failed_.back()));
    recovering_ = true;
    backOff();
  }
  pump();
}

kj::Promise<Result<Acknowledged>> PartitionSender::attempt(OutgoingBatch& batch) {
  ByteView bytes;
  KJ_IF_MAYBE(e, kj::runCatchingExceptions([&] { bytes = batch.sealed(); })) {
    // Its records may be gone: nothing to try again with.
    return Result<Acknowledged>(makeError(ErrorCode::kUnknown, "the batch of ", batch.acks.size(), " records for ",
                                          topic_, "-", partition_, " could not be made: ", e->getDescription()));
  }
  auto request = KJ_ASSERT_NONNULL(access_).cap.appendBatchesRequest(
      capnp::MessageSize{bytes.size() / sizeof(capnp::word) + 32, 1});
  request.setBatches(bytes);
  request.setAcks(toRpc(options_.acks));
  auto answered = request.send().then([](capnp::Response<rpc::Partition::AppendBatchesResults>&& response) {
    KJ_IF_MAYBE(error, errorIn(response.getError())) return Result<Acknowledged>(kj::mv(*error));
    auto appended = response.getAppended();
    return Result<Acknowledged>(
        Acknowledged{Offset(appended.getBaseOffset()), TimestampMs(appended.getLogAppendTime())});
  });
  batch.handedOver = true;
  return within(timer_, batch.deadline, kj::mv(answered));
}

void PartitionSender::attemptFailed(Batch batch, Error error) {
  if (error.code == ErrorCode::kBrokerNotAvailable || error.code == ErrorCode::kUnknownTopicOrPartition)
    access_ = nullptr;
  // With Acks::kNone any end of the call only says that the batch is no longer here.
  if (options_.acks == Acks::kNone && batch->handedOver) return events_.delivered(*batch, partition_, kHandedOver);
  if (isRetryable(error.code) && batch->attempts <= options_.retriesMax) {
    // If its time is over, expire() says so, with this reason.
    noteProblem(kj::mv(error));
    events_.retried();
    auto at = failed_.end();
    while (at != failed_.begin() && (*(at - 1))->number > batch->number)
      --at;
    failed_.insert(at, kj::mv(batch));
    return;
  }
  events_.failed(*batch, error);
}

// Running out of time is no reason by itself.
void PartitionSender::noteProblem(Error error) {
  events_.problem(error);
  if (lastProblem_ == nullptr || error.code != ErrorCode::kRequestTimedOut) lastProblem_ = kj::mv(error);
}

void PartitionSender::backOff() {
  backingOff_ = true;
  auto delay = backoff_.next();
  if (!queue_.empty()) delay = kj::min(delay, kj::max(queue_.front()->deadline - timer_.now(), 0 * kj::MILLISECONDS));
  tasks_.add(pumpAfter(delay));
}

kj::Promise<void> PartitionSender::pumpAfter(kj::Duration delay) {
  co_await timer_.afterDelay(delay);
  backingOff_ = false;
  pump();
}

}  // namespace cambium::client
