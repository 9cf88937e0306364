#include "engine/metadata/topic.h"

#include <cstring>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "engine/metadata/topic_name.h"
#include "schema/metadata.capnp.h"

namespace cambium {

namespace {

TopicConfig requireConfig(kj::ArrayPtr<const ConfigSetting> settings) {
  auto config = makeTopicConfig(settings);
  KJ_REQUIRE(config.ok(), "a topic was made of configs that are not valid", config.error());
  return kj::mv(config.value());
}

}  // namespace

Topic::Topic(Spec spec, Revision revision)
    : spec_(kj::mv(spec)), config_(requireConfig(spec_.settings)), revision_(revision) {
  for (auto& partition : spec_.partitions) {
    if (partition.engine.size() == 0) partition.engine = kj::str(spec_.engine);
  }
}

kj::Own<const Topic> Topic::decode(ByteView value, Revision revision) {
  KJ_REQUIRE(value.size() % sizeof(capnp::word) == 0 && value.size() > 0, "topic record of odd size", value.size());
  auto words = kj::heapArray<capnp::word>(value.size() / sizeof(capnp::word));
  memcpy(words.begin(), value.begin(), value.size());
  capnp::FlatArrayMessageReader message(words);
  auto record = message.getRoot<persisted::TopicRecord>();
  Spec spec{.name = kj::str(record.getName()),
            .id = Uuid::fromBytes(record.getId()),
            .partitions = {},
            .settings = {},
            .createdAt = TimestampMs(record.getCreatedAt()),
            .engine = kj::str(record.getEngine()),
            .moveAttempt = record.getMoveAttempt()};
  for (auto partition : record.getPartitions()) {
    spec.partitions.add(PartitionAssignment{.leaderEpoch = LeaderEpoch(partition.getLeaderEpoch()),
                                            .engine = kj::str(partition.getEngine()),
                                            .otherEngine = kj::str(partition.getOtherEngine())});
  }
  for (auto config : record.getConfigs()) {
    spec.settings.add(ConfigSetting{kj::str(config.getName()), kj::str(config.getValue())});
  }
  return kj::atomicRefcounted<const Topic>(kj::mv(spec), revision);
}

kj::Array<kj::byte> Topic::encode() const {
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<persisted::TopicRecord>();
  record.setName(spec_.name);
  record.setId(spec_.id.bytes());
  auto partitions = record.initPartitions(static_cast<unsigned>(spec_.partitions.size()));
  for (unsigned i = 0; i < partitions.size(); ++i) {
    auto& partition = spec_.partitions[i];
    partitions[i].setLeaderEpoch(partition.leaderEpoch.value());
    if (partition.engine != spec_.engine) partitions[i].setEngine(partition.engine);
    if (partition.otherEngine.size() > 0) partitions[i].setOtherEngine(partition.otherEngine);
  }
  auto configs = record.initConfigs(static_cast<unsigned>(spec_.settings.size()));
  for (unsigned i = 0; i < configs.size(); ++i) {
    configs[i].setName(spec_.settings[i].name);
    configs[i].setValue(spec_.settings[i].value);
  }
  record.setCreatedAt(spec_.createdAt.value());
  record.setEngine(spec_.engine);
  record.setMoveAttempt(spec_.moveAttempt);
  auto words = capnp::messageToFlatArray(message);
  return kj::heapArray<kj::byte>(words.asBytes());
}

Topic::Spec Topic::copySpec() const {
  Spec copy{.name = kj::str(spec_.name),
            .id = spec_.id,
            .partitions = {},
            .settings = {},
            .createdAt = spec_.createdAt,
            .engine = kj::str(spec_.engine),
            .moveAttempt = spec_.moveAttempt};
  for (auto& partition : spec_.partitions)
    copy.partitions.add(partition.clone());
  for (auto& setting : spec_.settings)
    copy.settings.add(setting.clone());
  return copy;
}

LogId Topic::logId(int32_t partition) const {
  return {partitionName(spec_.name, partition), spec_.id};
}

}  // namespace cambium
