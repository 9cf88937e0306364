#include "client/producer.h"

#include <deque>
#include <map>

#include <kj/debug.h>

#include "client/topic_sender.h"
#include "engine/base/wait_list.h"

namespace cambium::client {
namespace {

// A call may have 64 MiB; some of it is the call's own.
constexpr size_t kRecordBytesMax = size_t{63} << 20;
// What a record costs here besides its bytes, roughly.
constexpr uint32_t kRecordOverheadBytes = 96;

}  // namespace

// Counts, holds back and hands on; the work is done per topic (TopicSender) and per partition (PartitionSender).
class Producer::Impl final : private TopicSender::Events {
 public:
  Impl(Connection& connection, const kj::Clock& clock, ProducerOptions options)
      : connection_(connection), clock_(clock), options_(kj::mv(options)) {}
  KJ_DISALLOW_COPY(Impl);

  kj::Promise<Result<Delivered>> send(const RecordToSend& record);
  kj::Promise<void> whenRoom();
  kj::Promise<Result<void>> flush();
  void refuseFurther() { closed_ = true; }
  ProducerStats stats() const;
  kj::Maybe<Error> lastProblem() const {
    return lastProblem_.map([](const Error& error) { return error.clone(); });
  }

 private:
  struct Flush {
    uint64_t epoch;
    kj::Own<kj::PromiseFulfiller<void>> fulfiller;
  };

  void delivered(OutgoingBatch& batch, PartitionIndex partition, Acknowledged acknowledged) override;
  void failed(OutgoingBatch& batch, const Error& error) override;
  void failedWaiting(WaitingRecord& record, const Error& error) override;
  void retried() override { ++stats_.batchesRetried; }
  void problem(const Error& error) override { lastProblem_ = error.clone(); }
  bool isFlushing() const override { return flushes_.size() > 0; }

  bool hasRoom() const { return waiting_.empty() && admittedBytes_ < options_.bufferBytesMax; }
  TopicSender& topic(kj::StringPtr name);
  void admit(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack);
  void fail(OutgoingAck& ack, const Error& error);
  void release(const OutgoingAck& ack);
  void afterRelease();
  TimestampMs now() const { return TimestampMs((clock_.now() - kj::UNIX_EPOCH) / kj::MILLISECONDS); }

  Connection& connection_;
  const kj::Clock& clock_;
  const ProducerOptions options_;
  bool closed_ = false;
  uint64_t admittedBytes_ = 0;         // charged by records in batches or waiting for their topic
  uint64_t waitingBytes_ = 0;          // charged by waiting_
  std::deque<WaitingRecord> waiting_;  // for room
  WaitList roomWaiters_;
  // Every record belongs to the epoch in which it was sent; a flush ends one, and waits until nothing of it, or of
  // those before, is left.
  uint64_t epoch_ = 0;
  std::map<uint64_t, uint64_t> unsettled_;  // records by epoch
  kj::Vector<Flush> flushes_;
  kj::Maybe<Error> firstFailure_;
  kj::Maybe<Error> lastProblem_;
  ProducerStats stats_;
  std::map<kj::StringPtr, kj::Own<TopicSender>> topics_;  // last: they call back
};

kj::Promise<Result<Delivered>> Producer::Impl::send(const RecordToSend& record) {
  kj::Maybe<Error> refusal;
  size_t size = BatchBuilder::recordSizeBytes(record.key, record.value, record.headers);
  if (closed_) refusal = makeError(ErrorCode::kInvalidRequest, "this producer is closed");
  if (record.topic.size() == 0) refusal = makeError(ErrorCode::kInvalidTopic, "a record without a topic");
  KJ_IF_MAYBE(partition, record.partition) {
    if (*partition < PartitionIndex(0)) {
      refusal = makeError(ErrorCode::kUnknownTopicOrPartition, "no partition has the number ", *partition,
                          "; they count from 0");
    }
  }
  if (size > kRecordBytesMax) {
    refusal = makeError(ErrorCode::kMessageTooLarge, "a record of ", size, " bytes for topic ", record.topic,
                        "; more than ", kRecordBytesMax, " do not fit a call");
  }
  KJ_IF_MAYBE(error, refusal) {
    ++stats_.recordsFailed;
    return Result<Delivered>(kj::mv(*error));
  }
  auto paf = kj::newPromiseAndFulfiller<Result<Delivered>>();
  OutgoingAck ack{kj::mv(paf.fulfiller), record.timestamp.orDefault(kNoTimestamp), epoch_,
                  static_cast<uint32_t>(size) + kRecordOverheadBytes};
  if (record.timestamp == nullptr) ack.timestamp = now();
  ++unsettled_[epoch_];
  ++stats_.recordsAccepted;
  ++stats_.recordsBuffered;
  auto deadline = connection_.timer().now() + options_.deliveryTimeoutMs * kj::MILLISECONDS;
  if (hasRoom()) {
    admit(record, deadline, kj::mv(ack));
  } else {
    waitingBytes_ += ack.bytesCharged;
    waiting_.push_back(WaitingRecord::copy(record, deadline, kj::mv(ack)));
  }
  return kj::mv(paf.promise);
}

void Producer::Impl::admit(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack) {
  admittedBytes_ += ack.bytesCharged;
  topic(record.topic).add(record, deadline, kj::mv(ack));
}

TopicSender& Producer::Impl::topic(kj::StringPtr name) {
  auto found = topics_.find(name);
  if (found != topics_.end()) return *found->second;
  auto seed = static_cast<uint64_t>((clock_.now() - kj::UNIX_EPOCH) / kj::NANOSECONDS);
  TopicSender::Events& events = *this;
  auto made = kj::heap<TopicSender>(connection_, options_, events, name, seed);
  auto key = made->name();
  return *topics_.emplace(key, kj::mv(made)).first->second;
}

// --- What became of records
// ------------------------------------------------------------------------------------------------

void Producer::Impl::delivered(OutgoingBatch& batch, PartitionIndex partition, Acknowledged acknowledged) {
  lastProblem_ = nullptr;
  ++stats_.batchesDelivered;
  stats_.bytesDelivered += batch.sealed().size();
  int64_t index = 0;
  for (auto& ack : batch.acks) {
    bool hasOffset = acknowledged.base != kNoOffset;
    bool stamped = acknowledged.logAppendTime != kNoTimestamp;
    ack.fulfiller->fulfill(Delivered{partition, hasOffset ? acknowledged.base + index : kNoOffset,
                                     stamped ? acknowledged.logAppendTime : ack.timestamp});
    ++index;
    ++stats_.recordsDelivered;
    admittedBytes_ -= ack.bytesCharged;
    release(ack);
  }
  afterRelease();
}

void Producer::Impl::failed(OutgoingBatch& batch, const Error& error) {
  for (auto& ack : batch.acks)
    fail(ack, error);
  afterRelease();
}

void Producer::Impl::failedWaiting(WaitingRecord& record, const Error& error) {
  fail(record.ack, error);
  afterRelease();
}

void Producer::Impl::fail(OutgoingAck& ack, const Error& error) {
  if (firstFailure_ == nullptr) firstFailure_ = error.clone();
  ack.fulfiller->fulfill(error.clone());
  ++stats_.recordsFailed;
  admittedBytes_ -= ack.bytesCharged;
  release(ack);
}

void Producer::Impl::release(const OutgoingAck& ack) {
  --stats_.recordsBuffered;
  auto epoch = unsettled_.find(ack.flushEpoch);
  if (--epoch->second == 0) unsettled_.erase(epoch);
}

// There may be room for others, and the end of a flush.
void Producer::Impl::afterRelease() {
  while (!waiting_.empty() && admittedBytes_ < options_.bufferBytesMax) {
    auto record = kj::mv(waiting_.front());
    waiting_.pop_front();
    waitingBytes_ -= record.ack.bytesCharged;
    auto view = record.view();
    admit(view, record.deadline, kj::mv(record.ack));
  }
  if (hasRoom()) roomWaiters_.wakeAll();
  auto ended = [this](const Flush& flush) { return unsettled_.empty() || flush.epoch < unsettled_.begin()->first; };
  kj::Vector<Flush> rest;
  for (auto& flush : flushes_) {
    if (ended(flush)) {
      flush.fulfiller->fulfill();
    } else {
      rest.add(kj::mv(flush));
    }
  }
  flushes_ = kj::mv(rest);
}

// --- Waiting
// ---------------------------------------------------------------------------------------------------------------

kj::Promise<void> Producer::Impl::whenRoom() {
  if (hasRoom()) return kj::READY_NOW;
  return roomWaiters_.wait();
}

kj::Promise<Result<void>> Producer::Impl::flush() {
  if (!unsettled_.empty()) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    flushes_.add(Flush{epoch_++, kj::mv(paf.fulfiller)});
    for (auto& entry : topics_)
      entry.second->flush();
    co_await paf.promise;
  }
  KJ_IF_MAYBE(error, firstFailure_) {
    auto failure = kj::mv(*error);
    firstFailure_ = nullptr;
    co_return kj::mv(failure);
  }
  co_return Result<void>();
}

ProducerStats Producer::Impl::stats() const {
  auto stats = stats_;
  stats.bytesBuffered = admittedBytes_ + waitingBytes_;
  return stats;
}

// --- The door
// --------------------------------------------------------------------------------------------------------------

Producer::Producer(Connection& connection, const kj::Clock& clock, ProducerOptions options)
    : impl_(kj::heap<Impl>(connection, clock, kj::mv(options))) {}

Producer::~Producer() noexcept(false) = default;

kj::Promise<Result<Delivered>> Producer::send(RecordToSend record) {
  return impl_->send(record);
}

kj::Promise<void> Producer::whenRoom() {
  return impl_->whenRoom();
}

kj::Promise<Result<void>> Producer::flush() {
  return impl_->flush();
}

kj::Promise<Result<void>> Producer::close() {
  impl_->refuseFurther();
  return impl_->flush();
}

ProducerStats Producer::stats() const {
  return impl_->stats();
}

kj::Maybe<Error> Producer::lastProblem() const {
  return impl_->lastProblem();
}

}  // namespace cambium::client
