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
  CommitOffsetsRequest request{.who = {.group = group_.cStr(), .member = ""}, .offsets = {}};
  for (auto entry : context.getParams().getOffsets()) {
    auto checked = checkEntry(entry);
    if (!checked.ok()) {
      writeError(context.getResults().initError(), checked.error());
      co_return;
    }
    request.offsets.add(OffsetToCommit{.topic = entry.getTopic().cStr(),
                                       .partition = entry.getPartition(),
                                       .offset = Offset(entry.getOffset()),
                                       .leaderEpoch = LeaderEpoch(entry.getLeaderEpoch()),
                                       .metadata = entry.getMetadata().cStr()});
  }
  for (auto& refused : co_await session_->broker.commitOffsets(kj::mv(request))) {
    KJ_IF_MAYBE(error, refused) {
      writeError(context.getResults().initError(), *error);
      co_return;
    }
  }
}

// All or none: what would be refused for itself is refused before anything is committed.
Result<void> GroupOffsetsServer::checkEntry(rpc::OffsetToCommit::Reader entry) const {
  if (entry.getOffset() < 0) {
    return makeError(ErrorCode::kOffsetOutOfRange, "group ", group_, ": offset ", entry.getOffset(), " of ",
                     entry.getTopic(), "-", entry.getPartition(), " cannot be committed");
  }
  if (entry.getMetadata().size() > kMetadataBytesMax) {
    return makeError(ErrorCode::kOffsetMetadataTooLarge, "group ", group_, ": the metadata for ", entry.getTopic(), "-",
                     entry.getPartition(), " has ", entry.getMetadata().size(), " bytes, at most ", kMetadataBytesMax,
                     " are allowed");
  }
  return session_->broker.checkPartition(entry.getTopic(), entry.getPartition());
}

kj::Promise<void> GroupOffsetsServer::fetch(FetchContext context) {
  auto asked = context.getParams().getPartitions();
  FetchOffsetsRequest request{.who = {.group = group_.cStr(), .member = ""}, .wanted = {}};
  if (asked.size() > 0) {
    auto few = checkListSize("partitions", asked.size(), session_->limits.listEntriesMax);
    if (!few.ok()) {
      writeError(context.getResults().initError(), few.error());
      co_return;
    }
    kj::Vector<FetchOffsetsRequest::Wanted> wanted(asked.size());
    for (auto one : asked)
      wanted.add(FetchOffsetsRequest::Wanted{one.getTopic().cStr(), one.getPartition()});
    request.wanted = kj::mv(wanted);
  }
  auto found = co_await session_->broker.fetchOffsets(kj::mv(request));
  if (!found.ok()) {
    writeError(context.getResults().initError(), found.error());
    co_return;
  }
  auto list = context.getResults().initOffsets(static_cast<unsigned>(found.value().size()));
  for (unsigned i = 0; i < list.size(); ++i)
    write(list[i], found.value()[i].key, found.value()[i].offset);
}

kj::Promise<void> GroupOffsetsServer::delete_(DeleteContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto few = checkListSize("partitions", context.getParams().getPartitions().size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults().initError(), few.error());
    co_return;
  }
  DeleteOffsetsRequest request{.group = group_.cStr(), .which = {}};
  for (auto one : context.getParams().getPartitions())
    request.which.add(DeleteOffsetsRequest::Which{one.getTopic().cStr(), one.getPartition()});
  auto done = co_await session_->broker.deleteOffsets(kj::mv(request));
  KJ_IF_MAYBE(error, done.error) {
    // What is not there need not be deleted.
    if (error->code == ErrorCode::kGroupIdNotFound) co_return;
    writeError(context.getResults().initError(), *error);
    co_return;
  }
  for (auto& refused : done.perOffset) {
    KJ_IF_MAYBE(error, refused) {
      writeError(context.getResults().initError(), *error);
      co_return;
    }
  }
}

}  // namespace cambium
