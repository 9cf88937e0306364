#pragma once

#include <deque>

#include "engine/group/group_changes.h"
#include "engine/partition/partition.h"

namespace cambium {

// One partition of the internal topic as its coordinator sees it: changes go in as records and come out, in the order
// of the log, once they are as safe as the topic promises. Lives on the loop of the partition.
class GroupLog {
 public:
  // Hears the changes of a write that was committed, and the offset behind it.
  using Apply = kj::Function<void(GroupChanges changes, Offset upTo)>;

  GroupLog(kj::Own<Partition> partition, const Clock& clock, Apply apply);
  KJ_DISALLOW_COPY(GroupLog);

  // Appends the changes at once, in one batch as long as they fit into one. Done when they were committed and applied,
  // also when nobody waits any more. kCoordinatorNotAvailable when the partition cannot take them; nothing was changed
  // then, unless it broke on the way to the device.
  kj::Promise<Result<void>> write(GroupChanges changes);
  // What was written and is not yet applied, oldest first.
  template <class Visit>
  void eachPending(Visit visit) const {
    for (auto& write : pending_)
      visit(write.changes);
  }

  struct Bounds {
    Offset start, end;
  };
  // Where the log begins and ends, once all of it is committed. kCoordinatorNotAvailable when it is offline.
  kj::Promise<Result<Bounds>> bounds();
  // Reads [from, end) and hands every change to `apply`, a batch at a time. Records that are not understood are passed
  // over and logged. Lets the loop turn in between.
  kj::Promise<Result<void>> replay(Offset from, Offset end);

  // Done when nothing is pending.
  kj::Promise<void> whenIdle() { return tasks_.onEmpty(); }

 private:
  struct Write {
    Offset end;
    GroupChanges changes;
    kj::Own<kj::PromiseFulfiller<Result<void>>> done;
  };
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Promise<void> applyCommitted();
  Result<GroupChanges> readChanges(const BatchView& batch) const;

  kj::Own<Partition> partition_;
  const Clock& clock_;
  Apply apply_;
  std::deque<Write> pending_;
  bool applying_ = false;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
