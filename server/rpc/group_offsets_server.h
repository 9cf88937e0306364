#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::GroupOffsets: the committed offsets of one consumer group.
class GroupOffsetsServer final : public rpc::GroupOffsets::Server {
 public:
  GroupOffsetsServer(kj::Own<Session> session, kj::String group);

 protected:
  kj::Promise<void> commit(CommitContext context) override;
  kj::Promise<void> fetch(FetchContext context) override;
  kj::Promise<void> delete_(DeleteContext context) override;

 private:
  Result<void> checkEntry(rpc::OffsetToCommit::Reader entry) const;

  kj::Own<Session> session_;
  kj::String group_;
};

// 1 to 255 bytes, none of them zero.
Result<void> checkGroupName(kj::StringPtr name);

}  // namespace cambium
