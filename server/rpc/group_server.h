#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Group (and rpc::GroupOffsets): one consumer group.
class GroupServer final : public rpc::Group::Server {
 public:
  GroupServer(kj::Own<Session> session, kj::String group);

 protected:
  kj::Promise<void> commit(CommitContext context) override;
  kj::Promise<void> fetch(FetchContext context) override;
  kj::Promise<void> delete_(DeleteContext context) override;
  kj::Promise<void> join(JoinContext context) override;
  kj::Promise<void> describe(DescribeContext context) override;
  kj::Promise<void> reset(ResetContext context) override;
  kj::Promise<void> deleteGroup(DeleteGroupContext context) override;

 private:
  std::string name() const { return group_.cStr(); }

  SessionHold session_;
  kj::String group_;
};

// 1 to 255 bytes, none of them zero.
Result<void> checkGroupName(kj::StringPtr name);

// A request's offsets: as many as are allowed, none negative.
Result<kj::Vector<OffsetToCommit>> offsetsToCommit(const Session& session,
                                                   capnp::List<rpc::OffsetToCommit>::Reader offsets);

}  // namespace cambium
