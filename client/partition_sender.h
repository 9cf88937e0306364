#pragma once

#include <deque>

#include "client/outgoing_batch.h"
#include "client/topic_access.h"

// Private to the library: the queue of one partition.

namespace cambium::client {

// What the broker said of a batch.
struct Acknowledged {
  Offset base;                // kNoOffset with Acks::kNone
  TimestampMs logAppendTime;  // kNoTimestamp: the records keep theirs
};

// What becomes of batches.
class BatchEvents {
 public:
  virtual void delivered(OutgoingBatch& batch, PartitionIndex partition, Acknowledged acknowledged) = 0;
  virtual void failed(OutgoingBatch& batch, const Error& error) = 0;
  virtual void retried() = 0;
  // Something keeps records from being acknowledged; it is tried again.
  virtual void problem(const Error& error) = 0;
  // Somebody waits for flush(): no lingering.
  virtual bool isFlushing() const = 0;

 protected:
  ~BatchEvents() = default;
};

// Gathers the records of one partition into batches and sends these in order, which also retries keep: while one is to
// be sent again, nothing that comes after it goes out.
class PartitionSender final : private kj::TaskSet::ErrorHandler {
 public:
  class Events : public BatchEvents {
   public:
    // A batch takes no more records.
    virtual void closed(PartitionIndex partition) = 0;

   protected:
    ~Events() = default;
  };

  PartitionSender(Connection& connection, const ProducerOptions& options, Events& events, kj::StringPtr topic,
                  PartitionIndex partition);
  ~PartitionSender() noexcept(false);
  KJ_DISALLOW_COPY(PartitionSender);

  // Adds a record to the open batch, or a new one, and sends what is due.
  void add(kj::Maybe<ByteView> key, kj::Maybe<ByteView> value, kj::ArrayPtr<const Header> headers,
           kj::TimePoint deadline, OutgoingAck ack);
  // Everything there goes without lingering.
  void flush();

 private:
  using Batch = kj::Own<OutgoingBatch>;

  void taskFailed(kj::Exception&& e) override;

  void close(OutgoingBatch& batch);
  bool isDue(const OutgoingBatch& batch) const;
  void armLinger(kj::TimePoint until);
  void pumpSoon();
  kj::Promise<void> linger(kj::TimePoint until);

  void pump();
  void expire();
  kj::Promise<void> open();
  void openFailed(Error error);

  kj::Promise<void> transmit(Batch batch);
  kj::Promise<Result<Acknowledged>> attempt(OutgoingBatch& batch);
  void attemptFailed(Batch batch, Error error);
  void noteProblem(Error error);
  void backOff();
  kj::Promise<void> pumpAfter(kj::Duration delay);

  Connection& connection_;
  kj::Timer& timer_;
  const ProducerOptions& options_;
  Events& events_;
  const kj::String topic_;
  const PartitionIndex partition_;

  std::deque<Batch> queue_;   // to be sent, in order; only the last one may be open
  std::deque<Batch> failed_;  // to be sent again, by number, once nothing is in flight
  uint64_t nextNumber_ = 0;
  uint32_t inFlight_ = 0;
  bool opening_ = false;
  bool backingOff_ = false;
  bool recovering_ = false;  // until a batch gets through again: one at a time
  bool lingering_ = false;
  bool pumpingSoon_ = false;
  Backoff backoff_;
  kj::Maybe<Error> lastProblem_;  // why the last attempt failed
  kj::Maybe<Access<rpc::Partition::Client>> access_;
  kj::TaskSet tasks_;  // last: they use the rest
};

}  // namespace cambium::client
