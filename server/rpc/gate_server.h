#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Gate: what every connection starts with.
class GateServer final : public rpc::Gate::Server {
 public:
  explicit GateServer(kj::Own<Session> session) : session_(kj::mv(session)) {}

 protected:
  kj::Promise<void> anonymous(AnonymousContext context) override;

 private:
  SessionHold session_;
};

// rpc::Broker: the way to topics, offsets and administration.
class BrokerServer final : public rpc::Broker::Server {
 public:
  explicit BrokerServer(kj::Own<Session> session) : session_(kj::mv(session)) {}

 protected:
  kj::Promise<void> info(InfoContext context) override;
  kj::Promise<void> topic(TopicContext context) override;
  kj::Promise<void> listTopics(ListTopicsContext context) override;
  kj::Promise<void> groupOffsets(GroupOffsetsContext context) override;
  kj::Promise<void> listGroups(ListGroupsContext context) override;
  kj::Promise<void> admin(AdminContext context) override;
  kj::Promise<void> group(GroupContext context) override;
  kj::Promise<void> listGroupDetails(ListGroupDetailsContext context) override;

 private:
  SessionHold session_;
};

}  // namespace cambium
