#include "client/topic_sender.h"

#include <kj/debug.h>

#include "client/error_mapping.h"

namespace cambium::client {

TopicSender::TopicSender(Connection& connection, const ProducerOptions& options, TopicSender::Events& events,
                         kj::StringPtr topic, uint64_t seed)
    : connection_(connection),
      timer_(connection.timer()),
      options_(options),
      events_(events),
      topic_(kj::str(topic)),
      partitioner_(newPartitioner(options.partitioner, seed)),
      countedAt_(timer_.now()),
      tasks_(*this) {}

TopicSender::~TopicSender() noexcept(false) = default;

void TopicSender::taskFailed(kj::Exception&& e) {
  KJ_LOG(ERROR, "counting partitions failed", topic_, e);
}

void TopicSender::add(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack) {
  bool known = partitions_ != nullptr;
  if (!known || timer_.now() - countedAt_ >= options_.metadataAgeMsMax * kj::MILLISECONDS) {
    if (!known && record.partition != nullptr && waiting_.empty()) return route(record, deadline, kj::mv(ack));
    startCounting();
  }
  if (known && waiting_.empty()) return route(record, deadline, kj::mv(ack));
  waiting_.push_back(WaitingRecord::copy(record, deadline, kj::mv(ack)));
}

void TopicSender::failed(OutgoingBatch& batch, const Error& error) {
  // The topic was deleted, perhaps made anew: count again.
  if (error.code == ErrorCode::kUnknownTopicOrPartition) partitions_ = nullptr;
  events_.failed(batch, error);
}

void TopicSender::flush() {
  for (auto& entry : senders_)
    entry.second->flush();
}

void TopicSender::route(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack) {
  PartitionIndex partition(0);
  KJ_IF_MAYBE(chosen, record.partition) {
    partition = *chosen;
  } else {
    partition = partitioner_->choose(record.key, KJ_ASSERT_NONNULL(partitions_));
  }
  sender(partition).add(record.key, record.value, record.headers, deadline, kj::mv(ack));
}

PartitionSender& TopicSender::sender(PartitionIndex partition) {
  auto& slot = senders_[partition.value()];
  PartitionSender::Events& events = *this;
  if (slot.get() == nullptr) slot = kj::heap<PartitionSender>(connection_, options_, events, topic_, partition);
  return *slot;
}

void TopicSender::startCounting() {
  if (counting_) return;
  counting_ = true;
  tasks_.add(countUntilKnown());
}

// Asks until there is an answer, or nobody waits for one.
kj::Promise<void> TopicSender::countUntilKnown() {
  KJ_DEFER(counting_ = false);
  co_await kj::evalLater([] {});  // so that there is a record to ask for
  Backoff backoff(options_.retryBackoffMs, options_.retryBackoffMsMax);
  auto problem = makeError(ErrorCode::kRequestTimedOut, "the broker did not answer");
  while (true) {
    auto patience = timer_.now() + options_.deliveryTimeoutMs * kj::MILLISECONDS;
    auto deadline = waiting_.empty() ? patience : waiting_.front().deadline;
    auto count = co_await within(timer_, deadline, countPartitions(connection_, kj::str(topic_)));
    if (count.ok()) {
      partitions_ = kj::max(count.value(), 1);
      countedAt_ = timer_.now();
      releaseWaiting();
      co_return;
    }
    // Running out of time is no reason by itself.
    if (count.error().code != ErrorCode::kRequestTimedOut) problem = kj::mv(count.error());
    countFailed(problem);
    if (waiting_.empty()) co_return;
    auto left = kj::max(waiting_.front().deadline - timer_.now(), 0 * kj::MILLISECONDS);
    co_await timer_.afterDelay(kj::min(backoff.next(), left));
  }
}

void TopicSender::countFailed(const Error& error) {
  if (!isRetryable(error.code)) {
    partitions_ = nullptr;
    auto all = kj::mv(waiting_);
    waiting_.clear();
    for (auto& record : all)
      events_.failedWaiting(record, error);
    return;
  }
  while (!waiting_.empty() && timer_.now() >= waiting_.front().deadline) {
    auto record = kj::mv(waiting_.front());
    waiting_.pop_front();
    events_.failedWaiting(
        record, makeError(ErrorCode::kRequestTimedOut, "the record for topic ", topic_, " could not be sent within ",
                          options_.deliveryTimeoutMs, " ms: ", error.message));
  }
}

void TopicSender::releaseWaiting() {
  while (!waiting_.empty()) {
    auto record = kj::mv(waiting_.front());
    waiting_.pop_front();
    route(record.view(), record.deadline, kj::mv(record.ack));
  }
}

}  // namespace cambium::client
