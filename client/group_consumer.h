#pragma once

#include "client/consumer.h"

namespace cambium::client {

enum class Assignor {
  kSticky,      // as even as can be, and as few partitions as possible change hands
  kRange,       // of each topic a run of neighbouring partitions to each member
  kRoundRobin,  // partition by partition to one member after the other
};

struct GroupConsumerOptions {
  kj::Array<kj::String> topics;
  Assignor assignor = Assignor::kSticky;  // the same for all members of a group
  bool startAtEnd = false;                // where the group has committed nothing: the end, or the beginning
  // What earlier polls gave out is committed so often, and whenever partitions go to other members; 0: only by
  // commit().
  uint32_t autoCommitMs = 5'000;
  uint32_t sessionTimeoutMs = 10'000;    // how long the member counts as there after the broker was killed
  uint32_t rebalanceTimeoutMs = 10'000;  // how long the group waits for the next poll() when it divides anew
  kj::String clientName = kj::str("cambium-client");
  ConsumerOptions consumer{};  // with the group's name
};

// A member of a consumer group: reads the partitions that the broker gives it, and joins again after a lost connection.
// Poll regularly: a rebalance waits for the next poll(), which says that what the earlier ones gave out is dealt with.
// Records may come twice (after a crash, or when a poll came later than the rebalance timeout), none is left out.
class GroupConsumer {
 public:
  GroupConsumer(Connection& connection, GroupConsumerOptions options);
  // Leaves the group at once. What is not committed is not: see commit().
  ~GroupConsumer() noexcept(false);
  KJ_DISALLOW_COPY(GroupConsumer);

  // As Consumer::poll(); empty also while the group divides or there is no connection. Errors that concern the member
  // (kInconsistentGroupProtocol, …) come again with each poll. Not broken off by dropping it: await it.
  kj::Promise<Result<ConsumedRecords>> poll(PollOptions options);

  // Stores what poll() has given out. kIllegalGeneration when the group has gone on meanwhile: the partitions that went
  // away were not committed.
  kj::Promise<Result<void>> commit(kj::String metadata = nullptr);

  // Of the present assignment; empty while there is none.
  kj::Array<PartitionPosition> positions() const;
  // Of the present assignment; -1 while there is none.
  int32_t generation() const;
  // As Consumer::atEnd(); also false while there is no assignment.
  bool atEnd() const;

  class Impl;

 private:
  kj::Own<Impl> impl_;
};

}  // namespace cambium::client
