#include "client/admin.h"

#include "client/error_mapping.h"
#include "client/topic_access.h"

namespace cambium::client {
namespace {

template <class T, class List, class Convert>
kj::Array<T> convertAll(List list, Convert convert) {
  auto out = kj::heapArrayBuilder<T>(list.size());
  for (auto item : list)
    out.add(convert(item));
  return out.finish();
}

TopicSummary summaryOf(rpc::TopicSummary::Reader topic) {
  return {kj::str(topic.getName()), kj::str(topic.getId()), topic.getPartitions(), kj::str(topic.getEngine()),
          topic.getInternal()};
}

PartitionMove moveOf(rpc::PartitionMove::Reader move) {
  using Phase = PartitionMove::Phase;
  auto phase = [&] {
    switch (move.getPhase()) {
      case rpc::PartitionMove::Phase::WAITING:
        return Phase::kWaiting;
      case rpc::PartitionMove::Phase::COPYING:
        return Phase::kCopying;
      case rpc::PartitionMove::Phase::SWITCHING:
        return Phase::kSwitching;
      case rpc::PartitionMove::Phase::CLEANING:
        return Phase::kCleaning;
      case rpc::PartitionMove::Phase::FAILED:
        return Phase::kFailed;
    }
    return Phase::kWaiting;  // whatever a newer broker may mean: it is not there yet
  }();
  return {.to = kj::str(move.getTo()),
          .phase = phase,
          .copiedUpTo = Offset(move.getCopiedUpTo()),
          .copied = Bytes(move.getCopied()),
          .total = Bytes(move.getTotal()),
          .failure = kj::str(move.getFailure())};
}

PartitionDescription descriptionOf(rpc::PartitionDescription::Reader partition) {
  kj::Maybe<PartitionMove> move;
  if (partition.hasMove()) move = moveOf(partition.getMove());
  return {.index = PartitionIndex(partition.getIndex()),
          .error = errorIn(partition.getError()),
          .logStart = Offset(partition.getLogStart()),
          .highWatermark = Offset(partition.getHighWatermark()),
          .end = Offset(partition.getEnd()),
          .durable = Offset(partition.getDurable()),
          .bytes = Bytes(partition.getBytes()),
          .extents = partition.getExtents(),
          .leaderEpoch = LeaderEpoch(partition.getLeaderEpoch()),
          .engine = kj::str(partition.getEngine()),
          .core = partition.getCore(),
          .cleanedUpTo = Offset(partition.getCleanedUpTo()),
          .compactionFailure = kj::str(partition.getCompactionFailure()),
          .move = kj::mv(move),
          .unsyncedBytes = Bytes(partition.getUnsyncedBytes()),
          .unsyncedMs = partition.getUnsyncedMs()};
}

ConfigEntry configOf(rpc::ConfigEntry::Reader entry) {
  return {.name = kj::str(entry.getName()),
          .value = kj::str(entry.getValue()),
          .isDefault = entry.getIsDefault(),
          .documentation = kj::str(entry.getDocumentation()),
          .type = kj::str(entry.getType()),
          .defaultValue = kj::str(entry.getDefaultValue()),
          .validValues = kj::str(entry.getValidValues()),
          .readOnly = entry.getReadOnly(),
          .source = kj::str(entry.getSource())};
}

TopicDescription descriptionOf(rpc::TopicDescription::Reader topic) {
  auto partition = [](rpc::PartitionDescription::Reader reader) { return descriptionOf(reader); };
  return {kj::str(topic.getName()), kj::str(topic.getId()), convertAll<ConfigEntry>(topic.getConfigs(), configOf),
          convertAll<PartitionDescription>(topic.getPartitions(), partition)};
}

void fillConfigs(capnp::List<rpc::Config>::Builder list, kj::ArrayPtr<const ConfigChange> changes) {
  for (size_t i = 0; i < changes.size(); ++i) {
    list[i].setName(changes[i].name);
    KJ_IF_MAYBE(value, changes[i].value) {
      list[i].setValue(*value);
    } else {
      list[i].setReset(true);
    }
  }
}

void fillPartitions(capnp::List<rpc::TopicPartition>::Builder list, kj::ArrayPtr<const TopicPartition> partitions) {
  for (size_t i = 0; i < partitions.size(); ++i) {
    list[i].setTopic(partitions[i].topic);
    list[i].setPartition(partitions[i].partition.value());
  }
}

void fillPosition(rpc::Position::Builder position, const OffsetSpec& spec) {
  KJ_SWITCH_ONEOF(spec) {
    KJ_CASE_ONEOF(earliest, Earliest) {
      position.setEarliest();
    }
    KJ_CASE_ONEOF(latest, Latest) {
      position.setLatest();
    }
    KJ_CASE_ONEOF(timestamp, TimestampMs) {
      position.setTimestamp(timestamp.value());
    }
    KJ_CASE_ONEOF(maxTimestamp, MaxTimestamp) {
      position.setMaxTimestamp();
    }
  }
}

// The admin and group-offset capabilities are taken anew for each call and used before they have arrived: the first
// answer says whether there is one, the second call shares its round trip.
struct Administration {
  capnp::RemotePromise<rpc::Broker::AdminResults> opening;
  rpc::Admin::Client admin;
};
Administration openAdmin(rpc::Broker::Client broker) {
  auto opening = broker.adminRequest().send();
  auto admin = rpc::Admin::Client(opening.getAdmin());
  return {kj::mv(opening), kj::mv(admin)};
}

struct OpenGroup {
  capnp::RemotePromise<rpc::Broker::GroupResults> opening;
  rpc::Group::Client group;
};
OpenGroup openGroup(rpc::Broker::Client broker, kj::StringPtr name) {
  auto request = broker.groupRequest();
  request.setName(name);
  auto opening = request.send();
  auto group = rpc::Group::Client(opening.getGroup());
  return {kj::mv(opening), kj::mv(group)};
}

// Sends a request to the capability that `opening` brings. Returns the answer, or the error of either.
template <class Opened, class Params, class Results>
kj::Promise<Result<capnp::Response<Results>>> ask(capnp::RemotePromise<Opened> opening,
                                                  capnp::Request<Params, Results> request) {
  auto call = request.send();
  auto opened = co_await opening;
  KJ_IF_MAYBE(error, errorIn(opened.getError())) co_return kj::mv(*error);
  auto response = co_await call;
  KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  co_return kj::mv(response);
}

// As ask(), for a request whose answer has nothing but an error.
template <class Opened, class Params, class Results>
kj::Promise<Result<void>> change(capnp::RemotePromise<Opened> opening, capnp::Request<Params, Results> request) {
  auto answer = co_await ask(kj::mv(opening), kj::mv(request));
  if (!answer.ok()) co_return kj::mv(answer.error());
  co_return Result<void>();
}

GroupMember memberOf(rpc::GroupMember::Reader member) {
  return {kj::str(member.getId()), kj::str(member.getInstance()), kj::str(member.getClientName()),
          kj::str(member.getHost()),
          convertAll<TopicPartition>(member.getPartitions(), [](rpc::TopicPartition::Reader one) {
            return TopicPartition{kj::str(one.getTopic()), PartitionIndex(one.getPartition())};
          })};
}

void fillTarget(rpc::ResetTarget::Builder target, const ResetTarget& to) {
  KJ_SWITCH_ONEOF(to) {
    KJ_CASE_ONEOF(earliest, Earliest) {
      target.setEarliest();
    }
    KJ_CASE_ONEOF(latest, Latest) {
      target.setLatest();
    }
    KJ_CASE_ONEOF(offset, Offset) {
      target.setOffset(offset.value());
    }
    KJ_CASE_ONEOF(timestamp, TimestampMs) {
      target.setTimestamp(timestamp.value());
    }
    KJ_CASE_ONEOF(shift, Shift) {
      target.setShift(shift.by);
    }
  }
}

}  // namespace

kj::StringPtr phaseName(PartitionMove::Phase phase) {
  constexpr kj::StringPtr kNames[] = {"waiting"_kj, "copying"_kj, "switching"_kj, "cleaning"_kj, "failed"_kj};
  return kNames[static_cast<size_t>(phase)];
}

kj::Promise<BrokerInfo> Admin::info() {
  auto session = co_await connection_.session();
  auto response = co_await session.broker.infoRequest().send();
  auto info = response.getInfo();
  auto disk = info.getDisk();
  auto offline = [](rpc::OfflinePartition::Reader one) {
    auto error = errorIn(one.getError());
    return OfflinePartition{kj::str(one.getPartition()), kj::mv(KJ_REQUIRE_NONNULL(error, "an error without a code"))};
  };
  co_return BrokerInfo{.version = kj::str(info.getVersion()),
                       .clusterId = kj::str(info.getClusterId()),
                       .brokerId = info.getBrokerId(),
                       .cores = info.getCores(),
                       .logEngine = kj::str(info.getLogEngine()),
                       .stateEngine = kj::str(info.getStateEngine()),
                       .disk = {Bytes(disk.getFree()), Bytes(disk.getTotal()), Bytes(disk.getReserve()), disk.getFull(),
                                kj::str(disk.getReadOnly())},
                       .partitions = info.getPartitions(),
                       .partitionsOffline = info.getPartitionsOffline(),
                       .offline = convertAll<OfflinePartition>(info.getOffline(), offline),
                       .unsyncedBytes = Bytes(info.getUnsyncedBytes()),
                       .unsyncedMs = info.getUnsyncedMs(),
                       .ownMemory = Bytes(info.getOwnMemoryBytes()),
                       .mappedFiles = Bytes(info.getMappedFileBytes())};
}

kj::Promise<kj::Array<TopicSummary>> Admin::listTopics() {
  auto session = co_await connection_.session();
  auto response = co_await session.broker.listTopicsRequest().send();
  co_return convertAll<TopicSummary>(response.getTopics(), summaryOf);
}

kj::Promise<Result<TopicDescription>> Admin::describeTopic(kj::String topic) {
  auto session = co_await connection_.session();
  auto request = session.broker.topicRequest();
  request.setName(topic);
  auto opened = co_await request.send();
  KJ_IF_MAYBE(error, errorIn(opened.getError())) co_return kj::mv(*error);
  auto response = co_await opened.getTopic().describeRequest().send();
  KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  co_return descriptionOf(response.getTopic());
}

kj::Promise<Result<TopicSummary>> Admin::createTopic(kj::String topic, int32_t partitions,
                                                     kj::Array<ConfigChange> configs, bool validateOnly) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.createTopicRequest();
  request.setName(topic);
  request.setPartitions(partitions);
  fillConfigs(request.initConfigs(configs.size()), configs);
  request.setValidateOnly(validateOnly);
  auto answer = co_await ask(kj::mv(access.opening), kj::mv(request));
  if (!answer.ok()) co_return kj::mv(answer.error());
  auto& response = answer.value();
  co_return summaryOf(response.getTopic());
}

kj::Promise<Result<void>> Admin::deleteTopic(kj::String topic) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.deleteTopicRequest();
  request.setName(topic);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<void>> Admin::addPartitions(kj::String topic, int32_t total) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.addPartitionsRequest();
  request.setName(topic);
  request.setTotal(total);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<void>> Admin::alterTopic(kj::String topic, kj::Array<ConfigChange> changes) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.alterTopicRequest();
  request.setName(topic);
  fillConfigs(request.initChanges(changes.size()), changes);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<kj::Array<ConfigEntry>>> Admin::describeBrokerConfig(bool everyBroker) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.describeBrokerConfigRequest();
  request.setEveryBroker(everyBroker);
  auto answer = co_await ask(kj::mv(access.opening), kj::mv(request));
  if (!answer.ok()) co_return kj::mv(answer.error());
  auto& response = answer.value();
  co_return convertAll<ConfigEntry>(response.getConfigs(), configOf);
}

kj::Promise<Result<void>> Admin::alterBrokerConfig(bool everyBroker, kj::Array<ConfigChange> changes) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.alterBrokerConfigRequest();
  request.setEveryBroker(everyBroker);
  fillConfigs(request.initChanges(changes.size()), changes);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<void>> Admin::moveTopic(kj::String topic, kj::String engine) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.moveTopicRequest();
  request.setName(topic);
  request.setEngine(engine);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<void>> Admin::cancelMove(kj::String topic) {
  auto session = co_await connection_.session();
  auto access = openAdmin(session.broker);
  auto request = access.admin.cancelMoveRequest();
  request.setName(topic);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<FoundOffset>> Admin::findOffset(kj::String topic, PartitionIndex partition, OffsetSpec spec) {
  co_await connection_.session();  // throws where openPartition() would give an error
  auto access = co_await openPartition(connection_, kj::mv(topic), partition);
  if (!access.ok()) co_return kj::mv(access.error());
  auto request = access.value().cap.findOffsetRequest();
  fillPosition(request.initPosition(), spec);
  auto response = co_await request.send();
  KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  auto found = response.getFound();
  co_return FoundOffset{Offset(found.getOffset()), TimestampMs(found.getTimestamp()),
                        LeaderEpoch(found.getLeaderEpoch())};
}

kj::Promise<Result<Offset>> Admin::deleteRecords(kj::String topic, PartitionIndex partition, kj::Maybe<Offset> before) {
  co_await connection_.session();
  auto access = co_await openPartition(connection_, kj::mv(topic), partition);
  if (!access.ok()) co_return kj::mv(access.error());
  auto request = access.value().cap.deleteRecordsRequest();
  request.setBefore(before.orDefault(kNoOffset).value());
  auto response = co_await request.send();
  KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  co_return Offset(response.getLogStart());
}

kj::Promise<Result<kj::Array<GroupSummary>>> Admin::listGroups() {
  auto session = co_await connection_.session();
  auto response = co_await session.broker.listGroupDetailsRequest().send();
  KJ_IF_MAYBE(error, errorIn(response.getError())) co_return kj::mv(*error);
  co_return convertAll<GroupSummary>(response.getGroups(), [](rpc::GroupSummary::Reader group) {
    return GroupSummary{kj::str(group.getName()), kj::str(group.getState()), kj::str(group.getProtocolType())};
  });
}

kj::Promise<Result<GroupDescription>> Admin::describeGroup(kj::String group) {
  auto session = co_await connection_.session();
  auto access = openGroup(session.broker, group);
  auto answer = co_await ask(kj::mv(access.opening), access.group.describeRequest());
  if (!answer.ok()) co_return kj::mv(answer.error());
  auto& response = answer.value();
  auto found = response.getGroup();
  co_return GroupDescription{kj::str(found.getName()), kj::str(found.getState()), kj::str(found.getProtocolType()),
                             kj::str(found.getAssignor()), convertAll<GroupMember>(found.getMembers(), memberOf)};
}

kj::Promise<Result<void>> Admin::deleteGroup(kj::String group) {
  auto session = co_await connection_.session();
  auto access = openGroup(session.broker, group);
  co_return co_await change(kj::mv(access.opening), access.group.deleteGroupRequest());
}

kj::Promise<Result<kj::Array<OffsetChange>>> Admin::resetOffsets(kj::String group, kj::Array<TopicPartition> partitions,
                                                                 ResetTarget to, bool validateOnly) {
  auto session = co_await connection_.session();
  auto access = openGroup(session.broker, group);
  auto request = access.group.resetRequest();
  fillPartitions(request.initPartitions(partitions.size()), partitions);
  fillTarget(request.initTo(), to);
  request.setValidateOnly(validateOnly);
  auto answer = co_await ask(kj::mv(access.opening), kj::mv(request));
  if (!answer.ok()) co_return kj::mv(answer.error());
  auto& response = answer.value();
  co_return convertAll<OffsetChange>(response.getChanges(), [](rpc::OffsetChange::Reader change) {
    return OffsetChange{kj::str(change.getTopic()), PartitionIndex(change.getPartition()), Offset(change.getBefore()),
                        Offset(change.getAfter())};
  });
}

kj::Promise<Result<kj::Array<GroupOffset>>> Admin::fetchOffsets(kj::String group,
                                                                kj::Array<TopicPartition> partitions) {
  auto session = co_await connection_.session();
  auto access = openGroup(session.broker, group);
  auto request = access.group.fetchRequest();
  fillPartitions(request.initPartitions(partitions.size()), partitions);
  auto answer = co_await ask(kj::mv(access.opening), kj::mv(request));
  if (!answer.ok()) co_return kj::mv(answer.error());
  auto& response = answer.value();
  co_return convertAll<GroupOffset>(response.getOffsets(), [](rpc::CommittedOffset::Reader offset) {
    return GroupOffset{.topic = kj::str(offset.getTopic()),
                       .partition = PartitionIndex(offset.getPartition()),
                       .offset = Offset(offset.getOffset()),
                       .leaderEpoch = LeaderEpoch(offset.getLeaderEpoch()),
                       .metadata = kj::str(offset.getMetadata()),
                       .committedAt = TimestampMs(offset.getCommitTimestamp())};
  });
}

kj::Promise<Result<void>> Admin::commitOffsets(kj::String group, kj::Array<GroupOffset> offsets) {
  auto session = co_await connection_.session();
  auto access = openGroup(session.broker, group);
  auto request = access.group.commitRequest();
  auto list = request.initOffsets(offsets.size());
  for (size_t i = 0; i < offsets.size(); ++i) {
    list[i].setTopic(offsets[i].topic);
    list[i].setPartition(offsets[i].partition.value());
    list[i].setOffset(offsets[i].offset.value());
    list[i].setLeaderEpoch(offsets[i].leaderEpoch.value());
    list[i].setMetadata(offsets[i].metadata);
  }
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

kj::Promise<Result<void>> Admin::deleteOffsets(kj::String group, kj::Array<TopicPartition> partitions) {
  auto session = co_await connection_.session();
  auto access = openGroup(session.broker, group);
  auto request = access.group.deleteRequest();
  fillPartitions(request.initPartitions(partitions.size()), partitions);
  co_return co_await change(kj::mv(access.opening), kj::mv(request));
}

}  // namespace cambium::client
