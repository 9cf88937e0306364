#pragma once

#include <map>
#include <string>

#include "engine/base/position_waiters.h"
#include "engine/base/wait_list.h"
#include "engine/broker/creation_limits.h"
#include "engine/broker/shard.h"
#include "engine/metadata/similar_names.h"
#include "engine/metadata/topic_records.h"

namespace cambium {

struct NewTopic {
  kj::String name;
  int32_t partitions;
  kj::Vector<ConfigSetting> settings{};
  bool validateOnly = false;
  // The address of a client that has only named the topic, which counts against CreationLimits; null: somebody asked
  // for the topic.
  kj::Maybe<kj::String> namedBy{};
};

// Whether values that a client sets make segments that are not too small: each is some files. kInvalidConfig where they
// do not. What is no number is refused elsewhere. Topics that have less, from before there were bounds, keep it.
Result<void> checkBounds(kj::ArrayPtr<const ConfigChange> changes, const BrokerConfig& config);

// Makes, changes and deletes topics: checks the wish, commits it to the metadata store, and answers once every shard
// has caught up. Follows the store by a watch, so that a change made elsewhere arrives in the same way. Lives on the
// first loop.
class TopicController {
 public:
  // `shards` are all of them, the first one on this loop.
  TopicController(MetadataStore& store, kj::ArrayPtr<Shard* const> shards, World& world, EngineSet& engines,
                  const BrokerConfig& config);
  KJ_DISALLOW_COPY(TopicController);

  // Raises the leader epochs, loads all topics, removes the logs of deletions that were under way, opens what the
  // shards own, then follows the store. `progress` hears what is going on. A deletion that cannot be finished is logged
  // and tried again at the next start.
  kj::Promise<void> start(kj::Function<void(kj::String)> progress);
  // The rest of those deletions, when the shards have their groups: forgets what was committed for the topics.
  kj::Promise<void> finishDeletions();
  // Brings nothing to the shards any more. Changes under way end by themselves, and so does what is still asked for: it
  // is committed, and carried out at the next start.
  void stopFollowing();

  // kThrottlingQuotaExceeded when the client that has named the topic has had its share.
  kj::Promise<Result<kj::Own<const Topic>>> createTopic(NewTopic wish);
  // Done when the topic's logs are gone.
  kj::Promise<Result<void>> deleteTopic(kj::String name);
  // The internal topic of the groups; made when it is not there.
  kj::Promise<Result<kj::Own<const Topic>>> offsetsTopic();
  bool hasOffsetsTopic() const { return image_->find(kOffsetsTopic) != nullptr; }
  kj::Promise<Result<void>> addPartitions(kj::String name, int32_t total);
  // Another storage.engine sets the topic's partitions on their way there (see ShardMoves), or lets those try again
  // whose move failed. That engine is opened first.
  kj::Promise<Result<void>> alterTopic(kj::String name, kj::Vector<ConfigChange> changes);
  // Back to the engine that the partitions came from: copies that are being made are given up, partitions that had
  // arrived go back. kNoReassignmentInProgress when every partition is where it belongs.
  kj::Promise<Result<void>> cancelMove(kj::String name);
  // Null while topics can be changed; else why not, and what to do.
  kj::Maybe<kj::String> whyRefusing() const { return store_.whyBroken(); }

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override;
  };

  Result<kj::Own<const Topic>> checkNew(NewTopic& wish);
  Result<kj::Own<const Topic>> requireTopic(kj::StringPtr name) const;
  Error tooManyPartitions(kj::StringPtr name, int32_t wanted) const;
  // Of partitions that a change under way will add, so that changes at the same time keep to the limit together.
  class Reservation;
  bool hasRoomFor(int64_t more) const { return image_->partitionTotal() + reserved_ + more <= config_.partitionsMax; }
  // Changes a topic in the store; done when every shard has caught up.
  kj::Promise<Result<void>> changeAndApply(kj::String name, TopicChange change);
  kj::Promise<Result<void>> openWantedEngine(kj::ArrayPtr<const ConfigChange> changes);
  // The deletion's record in place of the topic's: null when it is not there any more.
  kj::Promise<kj::Maybe<kj::Own<const Topic>>> beginDeletion(kj::Own<const Topic> topic);
  // A new run of this process: see raiseLeaderEpochs. On a full device it is done later, when there is room again.
  kj::Promise<void> raiseEpochs();
  kj::Promise<void> raiseEpochsLater();
  kj::Promise<void> follow();
  void applyToImage(MetadataChange& change);
  kj::Promise<void> bringShards(kj::Function<void(size_t)> progress);
  kj::Promise<void> untilApplied(Revision revision);
  kj::Promise<Result<void>> deleteNow(kj::Own<const Topic> topic);
  // Adds the topic to `deletions`.
  kj::Promise<void> resumeDeletion(MetadataEntry entry, kj::Vector<kj::Own<const Topic>>& deletions);
  // Looks for logs that belong to no topic and to none of `deletions`. Throws when there is no topic at all: then the
  // metadata was lost.
  kj::Promise<void> requireLogsKnown(kj::Vector<kj::Own<const Topic>> deletions);
  kj::Promise<void> makeOffsetsTopic();
  // With what is kept of their producers.
  kj::Promise<void> dropLogs(kj::Own<const Topic> topic);
  kj::Promise<void> forgetOffsets(kj::String topic);
  kj::Promise<void> endDeletion(kj::Own<const Topic> topic);

  MetadataStore& store_;
  kj::ArrayPtr<Shard* const> shards_;
  World& world_;
  EngineSet& engines_;
  const BrokerConfig& config_;
  kj::Own<const MetadataImage> image_;
  SimilarNames names_;              // of the topics of the image, and of those that are being made
  kj::Vector<kj::String> changed_;  // topics that a shard may not have as image_ does
  Revision applied_{0};             // what every shard has caught up with
  PositionWaiters<Revision> waitingForApplied_;
  CreationLimits creationLimits_;
  int64_t reserved_ = 0;
  // Deletions under way, by name: a topic of that name can be made again when its logs are gone.
  std::map<std::string, kj::ForkedPromise<void>> deleting_;
  kj::Vector<kj::Own<const Topic>> deleted_;  // before the start; their logs are gone
  bool makingOffsetsTopic_ = false;
  WaitList offsetsTopicMade_;
  kj::Maybe<Error> offsetsTopicFailure_;
  kj::Own<MetadataWatch> watch_;
  bool following_ = true;
  kj::Promise<void> follow_ = nullptr;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
