#pragma once

#include <deque>
#include <unordered_map>

#include "engine/broker/log_placements.h"
#include "engine/broker/shard.h"
#include "engine/partition/log_move.h"

namespace cambium {

// Brings the logs of one loop's partitions to the engines where they belong, one partition after another, and removes
// logs that moves have left behind. What there is to do follows from the metadata alone:
//
//     log in   belongs in   other engine
//     A        A            -              at rest
//     A        B            -              write down that there may be a log in B
//     A        B            B              copy anew (LogMove); its switch writes the next line
//     B        B            A              remove the log in A, write down that it is gone
//     A        A            B              (cancelled) the same with B
//
// so that a restart goes on from wherever the last run has stopped. Before each step the store is asked: the image of
// a loop may be behind. A partition whose move failed stays as it is until somebody asks again, or the next start; so
// does one that is offline, with both its logs.
// Lives on its loop.
class ShardMoves {
 public:
  // `placements` lives on the loop of `home`.
  ShardMoves(Shard& shard, World& world, EngineSet& engines, LogPlacements& placements, LoopPort& home,
             const BrokerConfig& config);
  ~ShardMoves() noexcept(false);
  KJ_DISALLOW_COPY(ShardMoves);

  // Takes over another pace, also for the move that is under way.
  void reconfigure(const BrokerConfig& config);

  // Looks at all topics, once; then at those that have changed, whenever the loop has caught up with another image.
  void follow(const MetadataImage& image);
  void follow(const MetadataImage& image, const TopicNames& changed);
  // Null when the partition is where it belongs.
  kj::Maybe<MoveStatus> status(const PartitionKey& key);
  // Ends what is under way for partitions that `image` has no longer; to be awaited before they are closed.
  kj::Promise<void> endGone(const MetadataImage& image);
  // Ends everything; the next start goes on from there. Before the partitions are closed.
  kj::Promise<void> close();

 private:
  struct Work {
    PlacedPartition partition;
    // As the image has it: where the log belongs, and how often a move was asked for.
    kj::String wanted;
    uint32_t attempt;
    LogPlacement placement{};  // as the store had it when it was last asked
    MoveStatus::Phase phase = MoveStatus::Phase::kWaiting;
    kj::String failure{};  // with kFailed
    bool gone = false;     // the topic was deleted
    bool queued = false;
    LogMove* move = nullptr;  // while it runs
  };
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override { KJ_LOG(ERROR, "moves between engines", exception); }
  };
  enum class Next { kGoOn, kDone, kStop };

  void followPartition(const Topic& topic, int32_t index);
  void enqueue(const PartitionKey& key, Work& work);
  kj::Promise<void> workOff();
  kj::Promise<void> settle(PartitionKey key);
  // The next line of the table above; kStop: failed, or to be ended.
  kj::Promise<Next> step(PartitionKey key, Work& work);
  kj::Promise<Next> clean(Work& work);
  kj::Promise<Next> move(PartitionKey key, Work& work);
  kj::Promise<Result<LogPlacement>> find(const Work& work);
  kj::Promise<Result<void>> change(const Work& work, kj::StringPtr engine, kj::StringPtr otherEngine);
  // Removes the log in an engine that is not in charge; why that cannot be done, or null.
  kj::Promise<kj::Maybe<kj::String>> drop(const Work& work, kj::StringPtr engine);
  Next fail(Work& work, kj::StringPtr reason);
  kj::Maybe<kj::String> lackOfRoom(Bytes more) const;
  bool ending(const Work& work) const { return closed_ || work.gone; }

  Shard& shard_;
  World& world_;
  EngineSet& engines_;
  LogPlacements& placements_;
  LoopPort& home_;
  MovePace pace_;
  std::unordered_map<PartitionKey, Work, PartitionKeyHash> work_;  // of partitions that are not at rest
  std::deque<PartitionKey> queue_;
  bool working_ = false;
  bool closed_ = false;
  kj::Maybe<PartitionKey> current_;
  WaitList settled_;  // woken whenever one partition was left
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

}  // namespace cambium
