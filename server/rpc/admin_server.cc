#include "server/rpc/admin_server.h"

#include "server/rpc/config_list.h"
#include "server/rpc/error_mapping.h"
#include "server/rpc/topic_server.h"

namespace cambium {

kj::Promise<void> AdminServer::createTopic(CreateTopicContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto params = context.getParams();
  auto few = checkListSize("configs", params.getConfigs().size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults(kSmallResults).initError(), few.error());
    co_return;
  }
  NewTopic wish{.name = kj::str(params.getName()),
                .partitions = params.getPartitions(),
                .settings = {},
                .validateOnly = params.getValidateOnly()};
  for (auto config : params.getConfigs()) {
    if (config.getReset()) continue;
    wish.settings.add(ConfigSetting{kj::str(config.getName()), kj::str(config.getValue())});
  }
  auto made = co_await session_->broker.createTopic(kj::mv(wish));
  if (made.ok()) {
    writeSummary(context.getResults(kSmallResults).initTopic(), *made.value());
  } else {
    writeError(context.getResults(kSmallResults).initError(), made.error());
  }
}

kj::Promise<void> AdminServer::deleteTopic(DeleteTopicContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto done = co_await session_->broker.deleteTopic(kj::str(context.getParams().getName()));
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

kj::Promise<void> AdminServer::addPartitions(AddPartitionsContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto params = context.getParams();
  auto done = co_await session_->broker.addPartitions(kj::str(params.getName()), params.getTotal());
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

kj::Promise<void> AdminServer::alterTopic(AlterTopicContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto params = context.getParams();
  auto few = checkListSize("configs", params.getChanges().size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults(kSmallResults).initError(), few.error());
    co_return;
  }
  auto changes = readChanges(params.getChanges());
  auto done = co_await session_->broker.alterTopic(kj::str(params.getName()), kj::mv(changes));
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

kj::Promise<void> AdminServer::moveTopic(MoveTopicContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto params = context.getParams();
  if (params.getEngine().size() == 0) {
    writeError(context.getResults(kSmallResults).initError(),
               makeError(ErrorCode::kInvalidRequest, "the engine to move to is missing: native or rocksdb"));
    co_return;
  }
  kj::Vector<ConfigChange> changes;
  changes.add(ConfigChange{kj::str("storage.engine"), kj::str(params.getEngine())});
  auto done = co_await session_->broker.alterTopic(kj::str(params.getName()), kj::mv(changes));
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

kj::Promise<void> AdminServer::cancelMove(CancelMoveContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto done = co_await session_->broker.cancelMove(kj::str(context.getParams().getName()));
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

namespace {

ConfigOwner brokerOf(const BrokerFacts& facts, bool everyBroker) {
  return {ConfigOwner::Kind::kBroker, everyBroker ? kj::str() : kj::str(facts.config.brokerId)};
}

}  // namespace

kj::Promise<void> AdminServer::describeBrokerConfig(DescribeBrokerConfigContext context) {
  auto& broker = session_->broker;
  auto configs = broker.describeConfigs(brokerOf(broker.facts(), context.getParams().getEveryBroker()));
  writeConfigs(context.getResults().initConfigs(static_cast<unsigned>(configs.size())), configs);
  return kj::READY_NOW;
}

kj::Promise<void> AdminServer::alterBrokerConfig(AlterBrokerConfigContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto params = context.getParams();
  auto done = checkListSize("configs", params.getChanges().size(), session_->limits.listEntriesMax);
  if (done.ok()) {
    auto owner = brokerOf(session_->broker.facts(), params.getEveryBroker());
    done = co_await session_->broker.alterConfigs(kj::mv(owner), readChanges(params.getChanges()), false);
  }
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

}  // namespace cambium
