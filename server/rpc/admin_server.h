#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Admin: topics made, changed and deleted.
class AdminServer final : public rpc::Admin::Server {
 public:
  explicit AdminServer(kj::Own<Session> session) : session_(kj::mv(session)) {}

 protected:
  kj::Promise<void> createTopic(CreateTopicContext context) override;
  kj::Promise<void> deleteTopic(DeleteTopicContext context) override;
  kj::Promise<void> addPartitions(AddPartitionsContext context) override;
  kj::Promise<void> alterTopic(AlterTopicContext context) override;
  kj::Promise<void> moveTopic(MoveTopicContext context) override;
  kj::Promise<void> cancelMove(CancelMoveContext context) override;
  kj::Promise<void> describeBrokerConfig(DescribeBrokerConfigContext context) override;
  kj::Promise<void> alterBrokerConfig(AlterBrokerConfigContext context) override;

 private:
  SessionHold session_;
};

}  // namespace cambium
