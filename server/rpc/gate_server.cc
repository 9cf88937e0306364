#include "server/rpc/gate_server.h"

#include "server/rpc/admin_server.h"
#include "server/rpc/error_mapping.h"
#include "server/rpc/group_server.h"
#include "server/rpc/topic_server.h"

namespace cambium {

kj::Promise<void> GateServer::anonymous(AnonymousContext context) {
  context.getResults(kSmallResults).setBroker(kj::heap<BrokerServer>(kj::addRef(*session_)));
  return kj::READY_NOW;
}

namespace {

void writePartitions(rpc::BrokerInfo::Builder info, kj::ArrayPtr<const ShardReport> reports) {
  size_t partitions = 0, offline = 0, named = 0;
  uint64_t unsyncedBytes = 0;
  int64_t unsyncedMs = 0;
  for (auto& report : reports) {
    partitions += report.partitions;
    offline += report.partitionsOffline;
    named += report.offline.size();
    unsyncedBytes += report.unsyncedBytes.value();
    unsyncedMs = kj::max(unsyncedMs, report.unsyncedMs);
  }
  info.setPartitions(static_cast<uint32_t>(partitions));
  info.setPartitionsOffline(static_cast<uint32_t>(offline));
  info.setUnsyncedBytes(unsyncedBytes);
  info.setUnsyncedMs(static_cast<uint64_t>(unsyncedMs));
  auto list = info.initOffline(static_cast<unsigned>(named));
  unsigned at = 0;
  for (auto& report : reports) {
    for (auto& one : report.offline) {
      list[at].setPartition(one.partition);
      writeError(list[at++].initError(), one.error);
    }
  }
}

}  // namespace

kj::Promise<void> BrokerServer::info(InfoContext context) {
  auto reports = co_await session_->broker.reports();
  auto& facts = session_->broker.facts();
  auto info = context.getResults().initInfo();
  info.setVersion(facts.version);
  info.setClusterId(facts.clusterId);
  info.setBrokerId(facts.config.brokerId);
  info.setCores(static_cast<uint16_t>(facts.config.cores));
  info.setLogEngine(facts.config.logEngine);
  info.setStateEngine(facts.config.stateEngine);
  auto whyRefusing = co_await session_->broker.whyRefusing();
  auto status = session_->broker.disk();
  auto disk = info.initDisk();
  disk.setFree(status.free.value());
  disk.setTotal(status.total.value());
  disk.setReserve(status.reserve.value());
  disk.setFull(status.full);
  KJ_IF_MAYBE(reason, whyRefusing) disk.setReadOnly(*reason);
  KJ_IF_MAYBE(reason, status.whyReadOnly) disk.setReadOnly(*reason);
  auto memory = session_->broker.memoryUse();
  info.setOwnMemoryBytes(memory.own.value());
  info.setMappedFileBytes(memory.mappedFiles.value());
  writePartitions(info, reports);
}

kj::Promise<void> BrokerServer::topic(TopicContext context) {
  auto found = session_->broker.topic(context.getParams().getName());
  if (found.ok()) {
    context.getResults(kSmallResults).setTopic(kj::heap<TopicServer>(kj::addRef(*session_), kj::mv(found.value())));
  } else {
    writeError(context.getResults(kSmallResults).initError(), found.error());
  }
  return kj::READY_NOW;
}

kj::Promise<void> BrokerServer::listTopics(ListTopicsContext context) {
  auto image = session_->broker.image();
  auto list = context.getResults().initTopics(static_cast<unsigned>(image->topics().size()));
  unsigned i = 0;
  for (auto& topic : image->topics())
    writeSummary(list[i++], *topic);
  return kj::READY_NOW;
}

kj::Promise<void> BrokerServer::groupOffsets(GroupOffsetsContext context) {
  auto name = context.getParams().getGroup();
  auto checked = checkGroupName(name);
  if (checked.ok()) {
    context.getResults(kSmallResults).setOffsets(kj::heap<GroupServer>(kj::addRef(*session_), kj::str(name)));
  } else {
    writeError(context.getResults(kSmallResults).initError(), checked.error());
  }
  return kj::READY_NOW;
}

kj::Promise<void> BrokerServer::group(GroupContext context) {
  auto name = context.getParams().getName();
  auto checked = checkGroupName(name);
  if (checked.ok()) {
    context.getResults(kSmallResults).setGroup(kj::heap<GroupServer>(kj::addRef(*session_), kj::str(name)));
  } else {
    writeError(context.getResults(kSmallResults).initError(), checked.error());
  }
  return kj::READY_NOW;
}

kj::Promise<void> BrokerServer::listGroups(ListGroupsContext context) {
  auto groups = co_await session_->broker.listGroups();
  auto list = context.getResults().initGroups(static_cast<unsigned>(groups.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, groups[i].group.c_str());
}

kj::Promise<void> BrokerServer::listGroupDetails(ListGroupDetailsContext context) {
  auto groups = co_await session_->broker.listGroups();
  auto list = context.getResults().initGroups(static_cast<unsigned>(groups.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setName(groups[i].group.c_str());
    list[i].setState(groupStateName(groups[i].state));
    list[i].setProtocolType(groups[i].protocolType.c_str());
  }
}

kj::Promise<void> BrokerServer::admin(AdminContext context) {
  context.getResults(kSmallResults).setAdmin(kj::heap<AdminServer>(kj::addRef(*session_)));
  return kj::READY_NOW;
}

}  // namespace cambium
