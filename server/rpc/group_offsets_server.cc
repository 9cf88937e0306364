#include "server/rpc/group_offsets_server.h"

#include "server/rpc/error_mapping.h"

namespace cambium {

namespace {

constexpr size_t kMetadataBytesMax = 4096;
constexpr size_t kGroupNameBytesMax = 255;

void write(rpc::CommittedOffset::Builder builder, const OffsetKey& key, const CommittedOffset& offset) {
  builder.setTopic(key.topic.c_str());
  builder.setPartition(key.partition);
  builder.setOffset(offset.offset.value());
  builder.setLeaderEpoch(offset.leaderEpoch.value());
  builder.setMetadata(offset.metadata);
  builder.setCommitTimestamp(offset.committedAt.value());
}

}  // namespace

Result<void> checkGroupName(kj::StringPtr name) {
  if (name.size() == 0) return makeError(ErrorCode::kInvalidGroupId, "a group name must not be empty");
  if (name.size() > kGroupNameBytesMax) {
    return makeError(ErrorCode::kInvalidGroupId, "the group name has ", name.size(), " bytes, at most ",
                     kGroupNameBytesMax, " are allowed");
  }
  if (name.findFirst('\0') != nullptr)
    return makeError(ErrorCode::kInvalidGroupId, "a group name must not have a zero byte");
  return Result<void>();
}

GroupOffsetsServer::GroupOffsetsServer(kj::Own<Session> session, kj::String group)
    : session_(kj::mv(session)), group_(kj::mv(group)) {}

kj::Promise<void> GroupOffsetsServer::commit(CommitContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto few = checkListSize("offsets", context.getParams().getOffsets().size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults().initError(), few.error());
    co_return;
  }
  kj::Vector<OffsetChange> changes;
  for (auto entry : context.getParams().getOffsets()) {
    Result<void> checked;
    if (entry.getOffset() < 0) {
      checked = makeError(ErrorCode::kOffsetOutOfRange, "group ", group_, ": offset ", entry.getOffset(), " of ",
                          entry.getTopic(), "-", entry.getPartition(), " cannot be committed");
    }
    if (checked.ok() && entry.getMetadata().size() > kMetadataBytesMax) {
      checked = makeError(ErrorCode::kOffsetMetadataTooLarge, "group ", group_, ": the metadata for ", entry.getTopic(),
                          "-", entry.getPartition(), " has ", entry.getMetadata().size(), " bytes, at most ",
                          kMetadataBytesMax, " are allowed");
    }
    if (!checked.ok()) {
      writeError(context.getResults().initError(), checked.error());
      co_return;
    }
    changes.add(OffsetChange{{group_.cStr(), entry.getTopic().cStr(), entry.getPartition()},
                             CommittedOffset{.offset = Offset(entry.getOffset()),
                                             .leaderEpoch = LeaderEpoch(entry.getLeaderEpoch()),
                                             .metadata = kj::str(entry.getMetadata())}});
  }
  auto done = co_await session_->broker.commitOffsets(kj::mv(changes));
  if (!done.ok()) writeError(context.getResults().initError(), done.error());
}

kj::Promise<void> GroupOffsetsServer::fetch(FetchContext context) {
  auto asked = context.getParams().getPartitions();
  if (asked.size() == 0) {
    auto all = co_await session_->broker.fetchGroup(kj::str(group_));
    auto list = context.getResults().initOffsets(static_cast<unsigned>(all.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      write(list[i], all[i].key, KJ_ASSERT_NONNULL(all[i].offset));
    co_return;
  }
  auto few = checkListSize("partitions", asked.size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults().initError(), few.error());
    co_return;
  }
  kj::Vector<OffsetKey> keys(asked.size());
  for (auto one : asked)
    keys.add(OffsetKey{group_.cStr(), one.getTopic().cStr(), one.getPartition()});
  auto found = co_await session_->broker.fetchOffsets(kj::mv(keys));
  auto list = context.getResults().initOffsets(static_cast<unsigned>(found.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    write(list[i], OffsetKey{group_.cStr(), asked[i].getTopic().cStr(), asked[i].getPartition()}, found[i]);
  }
}

kj::Promise<void> GroupOffsetsServer::delete_(DeleteContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto few = checkListSize("partitions", context.getParams().getPartitions().size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults().initError(), few.error());
    co_return;
  }
  kj::Vector<OffsetChange> changes;
  for (auto one : context.getParams().getPartitions()) {
    changes.add(OffsetChange{{group_.cStr(), one.getTopic().cStr(), one.getPartition()}, nullptr});
  }
  auto done = co_await session_->broker.commitOffsets(kj::mv(changes));
  if (!done.ok()) writeError(context.getResults().initError(), done.error());
}

}  // namespace cambium
