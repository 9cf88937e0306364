#pragma once

#include <kj/timer.h>

#include "engine/base/wait_list.h"
#include "engine/base/work_pool.h"
#include "engine/group/group_changes.h"
#include "engine/group/group_tables.h"

namespace cambium {

// Brings what was applied to the tables, lazily and off the loop: nobody waits for it but a clean stop. Lives on the
// loop of the partition.
class GroupRowWriter {
 public:
  // `partition` of the internal topic `topic`. `engine` and `pool` outlive every job begun.
  GroupRowWriter(int32_t partition, Uuid topic, StorageEngine& engine, WorkPool& pool, kj::Timer& timer);
  KJ_DISALLOW_COPY(GroupRowWriter);

  // Takes note of what was applied up to an offset. Written, once begin() was called, after kChangesMax of them, or
  // kDelay later.
  void note(const GroupChanges& changes, Offset upTo);
  // What is noted may be written: the rows together with it hold what the log says.
  void begin();
  // Done when everything noted so far was tried to be written. What fails is logged and stays noted.
  kj::Promise<void> writeNow();
  // Up to where the tables are known to hold what the log says.
  Offset writtenUpTo() const { return writtenUpTo_; }

  static constexpr size_t kChangesMax = 1000;
  static constexpr kj::Duration kDelay = 5 * kj::SECONDS;

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };
  struct Noted {
    std::map<OffsetKey, kj::Maybe<CommittedOffset>> offsets;
    std::map<std::string, kj::Maybe<kj::Array<const kj::byte>>> groups;
    size_t changes = 0;
    Offset upTo = kNoOffset;
  };

  void schedule();
  kj::Promise<void> writeLazily();
  kj::Promise<void> write(Noted taken);

  int32_t partition_;
  Uuid topic_;
  StorageEngine& engine_;
  WorkPool& pool_;
  kj::Timer& timer_;
  Noted noted_;
  Offset writtenUpTo_ = kNoOffset;
  bool begun_ = false;
  bool lazy_ = false;  // writeLazily() is under way
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> hurry_;
  bool writing_ = false;
  WaitList afterWriting_;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
