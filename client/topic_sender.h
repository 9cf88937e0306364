#pragma once

#include <map>

#include "client/partition_sender.h"
#include "client/partitioner.h"

// Private to the library: one topic of a producer.

namespace cambium::client {

// Knows how many partitions a topic has, chooses one for each record and hands the record to that partition's queue.
// Records that come before the number is known wait here.
class TopicSender final : private PartitionSender::Events, private kj::TaskSet::ErrorHandler {
 public:
  class Events : public BatchEvents {
   public:
    // A record that never got into a batch.
    virtual void failedWaiting(WaitingRecord& record, const Error& error) = 0;

   protected:
    ~Events() = default;
  };

  TopicSender(Connection& connection, const ProducerOptions& options, TopicSender::Events& events, kj::StringPtr topic,
              uint64_t seed);
  ~TopicSender() noexcept(false);
  KJ_DISALLOW_COPY(TopicSender);

  kj::StringPtr name() const { return topic_; }
  // Copies what is borrowed.
  void add(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack);
  void flush();

 private:
  void delivered(OutgoingBatch& batch, PartitionIndex partition, Acknowledged acknowledged) override {
    events_.delivered(batch, partition, acknowledged);
  }
  void failed(OutgoingBatch& batch, const Error& error) override;
  void retried() override { events_.retried(); }
  void problem(const Error& error) override { events_.problem(error); }
  bool isFlushing() const override { return events_.isFlushing(); }
  void closed(PartitionIndex partition) override { partitioner_->batchClosed(partition); }
  void taskFailed(kj::Exception&& e) override;

  PartitionSender& sender(PartitionIndex partition);
  void route(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack);
  void startCounting();
  kj::Promise<void> countUntilKnown();
  void countFailed(const Error& error);
  void releaseWaiting();

  Connection& connection_;
  kj::Timer& timer_;
  const ProducerOptions& options_;
  TopicSender::Events& events_;
  const kj::String topic_;
  kj::Own<Partitioner> partitioner_;
  kj::Maybe<int32_t> partitions_;  // null: not known
  kj::TimePoint countedAt_;
  bool counting_ = false;
  std::deque<WaitingRecord> waiting_;
  std::map<int32_t, kj::Own<PartitionSender>> senders_;
  kj::TaskSet tasks_;  // last: they use the rest
};

}  // namespace cambium::client
