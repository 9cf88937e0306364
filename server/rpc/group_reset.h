#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// One offset of a group that is to move.
struct OffsetMove {
  std::string topic;
  int32_t partition;
  Offset before;  // kNoOffset: nothing was committed
  Offset after;
};

// Where a reset (Group.reset) moves the group's offsets: for every partition that is named, or, when none is, for which
// the group has one. kNonEmptyGroup while the group has members; errors also name a partition that is not there.
kj::Promise<Result<kj::Vector<OffsetMove>>> planReset(Session& session, std::string group,
                                                      capnp::List<rpc::TopicPartition>::Reader partitions,
                                                      rpc::ResetTarget::Reader target);
// Commits what was planned. An error is the first one; the group may have members by now.
kj::Promise<Result<void>> carryOutReset(Session& session, std::string group, kj::ArrayPtr<const OffsetMove> moves);

}  // namespace cambium
