#include "engine/broker/log_placements.h"

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

Result<void> checkSame(const Topic& topic, const PlacedPartition& partition) {
  if (topic.id() == partition.id && partition.index < topic.partitionCount()) return Result<void>();
  return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", partition.topic, " was deleted");
}

LogPlacement placementOf(const Topic& topic, int32_t index) {
  auto& partition = topic.partition(index);
  return {kj::str(partition.engine), kj::str(partition.otherEngine), kj::str(topic.engine()), topic.moveAttempt()};
}

}  // namespace

kj::Promise<Result<LogPlacement>> LogPlacements::find(PlacedPartition partition) {
  auto loaded = co_await loadTopic(store_, kj::str(partition.topic));
  if (!loaded.ok()) co_return Result<LogPlacement>(kj::mv(loaded.error()));
  auto same = checkSame(*loaded.value(), partition);
  if (!same.ok()) co_return Result<LogPlacement>(kj::mv(same.error()));
  co_return Result<LogPlacement>(placementOf(*loaded.value(), partition.index));
}

kj::Promise<Result<void>> LogPlacements::change(PlacedPartition partition, LogPlacement before, kj::String engine,
                                                kj::String otherEngine) {
  auto name = kj::str(partition.topic);
  auto step = [partition = kj::mv(partition), before = kj::mv(before), engine = kj::mv(engine),
               otherEngine = kj::mv(otherEngine)](const Topic& topic) -> Result<kj::Maybe<Topic::Spec>> {
    auto same = checkSame(topic, partition);
    if (!same.ok()) return kj::mv(same.error());
    auto now = placementOf(topic, partition.index);
    if (now.engine != before.engine || now.otherEngine != before.otherEngine || now.wanted != before.wanted) {
      return makeError(ErrorCode::kInvalidRequest, "partition ", partition.index, " of topic ", partition.topic,
                       " was placed anew: in ", now.engine, ", belongs in ", now.wanted);
    }
    auto spec = topic.copySpec();
    auto& placed = spec.partitions[static_cast<size_t>(partition.index)];
    placed.engine = kj::str(engine);
    placed.otherEngine = kj::str(otherEngine);
    return kj::Maybe<Topic::Spec>(kj::mv(spec));
  };
  auto changed = co_await changeTopic(store_, kj::mv(name), kj::mv(step));
  if (!changed.ok()) co_return Result<void>(kj::mv(changed.error()));
  co_return Result<void>();
}

}  // namespace cambium
