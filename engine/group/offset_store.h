#pragma once

#include <map>

#include <kj/async.h>
#include <kj/vector.h>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/work_pool.h"
#include "engine/group/group_messages.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

struct OffsetChange {
  OffsetKey key;
  kj::Maybe<CommittedOffset> offset;  // null: forget it
};

// The committed offsets of all consumer groups, in the table "offsets" of the state engine (row: encodeOffsetKey to
// schema/metadata.capnp's OffsetRecord) and in memory. Commits that arrive while one is written share the next write.
// Lives on one loop. A failed write breaks the store for good; what was answered before stays true. On a full device a
// commit is refused and the store goes on.
class OffsetStore {
 public:
  // Reads the table; blocks.
  OffsetStore(StorageEngine& engine, WorkPool& pool, const Clock& clock);
  KJ_DISALLOW_COPY(OffsetStore);

  // All of it or nothing; durable when the promise is done. The time of commit is filled in. kInvalidRequest for a name
  // that is too long for a key.
  kj::Promise<Result<void>> commit(kj::Vector<OffsetChange> changes);
  // kNoOffset when nothing is committed.
  CommittedOffset fetch(const OffsetKey& key) const;
  // Everything of one group, sorted by topic and partition.
  kj::Vector<OffsetChange> fetchGroup(const std::string& group) const;
  // Groups that have offsets, sorted.
  kj::Vector<kj::String> groups() const;
  // Forgets what groups committed for a topic before this call, when it is deleted.
  kj::Promise<Result<void>> forgetTopic(std::string topic);

 private:
  struct Waiting {
    kj::Vector<OffsetChange> changes;
    kj::Maybe<std::string> forgottenTopic;  // changes are found when its turn comes
    kj::Own<kj::PromiseFulfiller<Result<void>>> done;
  };
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  kj::Promise<Result<void>> enqueue(kj::Vector<OffsetChange> changes, kj::Maybe<std::string> forgottenTopic);
  kj::Promise<void> writeAll();
  kj::Promise<Result<void>> write(kj::ArrayPtr<const Waiting> batch);
  void findForgotten(kj::ArrayPtr<Waiting> batch) const;
  void dropNeedless(kj::ArrayPtr<Waiting> batch) const;
  void apply(kj::ArrayPtr<OffsetChange> changes);

  StorageEngine& engine_;
  WorkPool& pool_;
  const Clock& clock_;
  std::map<OffsetKey, CommittedOffset> offsets_;
  kj::Vector<Waiting> waiting_;
  bool writing_ = false;
  kj::Maybe<kj::String> broken_;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
