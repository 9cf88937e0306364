#include "engine/group/group_row_writer.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

GroupRowWriter::GroupRowWriter(int32_t partition, Uuid topic, StorageEngine& engine, WorkPool& pool, kj::Timer& timer)
    : partition_(partition), topic_(topic), engine_(engine), pool_(pool), timer_(timer) {}

void GroupRowWriter::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "rows of groups", exception);
}

void GroupRowWriter::note(const GroupChanges& changes, Offset upTo) {
  for (auto& change : changes.offsets) {
    noted_.offsets.insert_or_assign(change.key, change.offset.map([](auto& offset) { return offset.clone(); }));
  }
  for (auto& change : changes.groups) {
    noted_.groups.insert_or_assign(change.group,
                                   change.value.map([](auto& v) { return kj::heapArray<const kj::byte>(v); }));
  }
  noted_.changes += changes.offsets.size() + changes.groups.size();
  noted_.upTo = upTo;
  schedule();
  if (noted_.changes >= kChangesMax) {
    KJ_IF_MAYBE(hurry, hurry_) (*hurry)->fulfill();
  }
}

void GroupRowWriter::begin() {
  begun_ = true;
  schedule();
}

void GroupRowWriter::schedule() {
  if (!begun_ || lazy_ || noted_.upTo <= writtenUpTo_) return;
  lazy_ = true;
  tasks_.add(writeLazily());
}

kj::Promise<void> GroupRowWriter::writeLazily() {
  while (noted_.upTo > writtenUpTo_) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    hurry_ = kj::mv(paf.fulfiller);
    co_await timer_.afterDelay(kDelay).exclusiveJoin(kj::mv(paf.promise));
    hurry_ = nullptr;
    co_await writeNow();
  }
  lazy_ = false;
}

kj::Promise<void> GroupRowWriter::writeNow() {
  // One write at a time: a later one must not be overtaken by an earlier one.
  while (writing_)
    co_await afterWriting_.wait();
  if (!begun_ || noted_.upTo <= writtenUpTo_) co_return;
  writing_ = true;
  auto taken = kj::mv(noted_);
  noted_ = Noted{.offsets = {}, .groups = {}, .changes = 0, .upTo = taken.upTo};
  co_await write(kj::mv(taken));
  writing_ = false;
  afterWriting_.wakeAll();
}

kj::Promise<void> GroupRowWriter::write(Noted taken) {
  auto changes = kj::heap<GroupRowChanges>();
  for (auto& [key, offset] : taken.offsets)
    changes->put(key, offset.map([](CommittedOffset& o) -> const CommittedOffset& { return o; }));
  for (auto& [group, value] : taken.groups)
    changes->put(group, value.map([](kj::Array<const kj::byte>& v) { return v.asPtr(); }));
  changes->put(partition_, GroupRows::Position{topic_, taken.upTo});
  try {
    co_await pool_.run([&engine = engine_, changes = kj::mv(changes)] { changes->commitTo(engine); });
    writtenUpTo_ = taken.upTo;
  } catch (const kj::Exception& exception) {
    KJ_LOG(ERROR, "rows of groups are not written; they are tried again, and a start reads the log", partition_,
           exception.getDescription());
    // What was noted since is newer.
    noted_.offsets.merge(taken.offsets);
    noted_.groups.merge(taken.groups);
  }
}

}  // namespace cambium
