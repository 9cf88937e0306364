#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Topic: one topic, bound to its id.
class TopicServer final : public rpc::Topic::Server {
 public:
  TopicServer(kj::Own<Session> session, kj::Own<const Topic> topic);

 protected:
  kj::Promise<void> describe(DescribeContext context) override;
  kj::Promise<void> partition(PartitionContext context) override;

 private:
  // The topic as it is today: it may have got more partitions or other configs. An error when it is gone.
  Result<kj::Own<const Topic>> current() const;

  SessionHold session_;
  kj::Own<const Topic> topic_;
};

void writeSummary(rpc::TopicSummary::Builder builder, const Topic& topic);

}  // namespace cambium
