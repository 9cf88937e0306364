#include "server/rpc/group_reset.h"

namespace cambium {

namespace {

using Moves = kj::Vector<OffsetMove>;

// Before the target is known.
struct Asked {
  OffsetOfKey entry;
  PartitionKey key;
};

Offset clampTo(Offset low, Offset offset, Offset high) {
  return kj::min(kj::max(offset, low), high);
}

// `base` and `by` are a client's: their sum may not be a number.
Offset shifted(Offset base, int64_t by) {
  int64_t sum;
  if (__builtin_add_overflow(base.value(), by, &sum)) return Offset(by < 0 ? 0 : INT64_MAX);
  return Offset(kj::max(sum, int64_t{0}));
}

kj::Promise<Result<Offset>> find(Session& session, PartitionKey key, OffsetQuery query) {
  auto found = co_await session.broker.findOffset(key, query);
  if (!found.ok()) co_return kj::mv(found.error());
  co_return found.value().offset;
}

kj::Promise<Result<Offset>> targetOf(Session& session, const Asked& asked, rpc::ResetTarget::Reader target) {
  using Kind = OffsetQuery::Kind;
  auto low = co_await find(session, asked.key, {Kind::kEarliest});
  if (!low.ok() || target.isEarliest()) co_return kj::mv(low);
  auto high = co_await find(session, asked.key, {Kind::kLatest});
  if (!high.ok() || target.isLatest()) co_return kj::mv(high);
  auto wanted = high.value();
  if (target.isOffset()) wanted = Offset(target.getOffset());
  if (target.isShift()) {
    auto committed = asked.entry.offset.offset;
    wanted = shifted(committed == kNoOffset ? low.value() : committed, target.getShift());
  }
  if (target.isTimestamp()) {
    auto found = co_await find(session, asked.key, {Kind::kTimestamp, TimestampMs(target.getTimestamp())});
    if (!found.ok()) co_return kj::mv(found);
    if (found.value() != kNoOffset) wanted = found.value();
  }
  co_return clampTo(low.value(), wanted, high.value());
}

FetchOffsetsRequest askFor(const std::string& group, capnp::List<rpc::TopicPartition>::Reader partitions) {
  FetchOffsetsRequest request{.who = {.group = group, .member = ""}, .wanted = {}};
  if (partitions.size() == 0) return request;
  auto& wanted = request.wanted.emplace();
  for (auto one : partitions)
    wanted.add(FetchOffsetsRequest::Wanted{one.getTopic().cStr(), one.getPartition()});
  return request;
}

Result<void> checkEmpty(const GroupDescription& group) {
  if (group.state == GroupState::kEmpty || group.state == GroupState::kDead) return Result<void>();
  return makeError(ErrorCode::kNonEmptyGroup, "group ", group.group.c_str(), " has ", group.members.size(),
                   " members; stop them first");
}

}  // namespace

kj::Promise<Result<Moves>> planReset(Session& session, std::string group,
                                     capnp::List<rpc::TopicPartition>::Reader partitions,
                                     rpc::ResetTarget::Reader target) {
  auto few = checkListSize("partitions", partitions.size(), session.limits.listEntriesMax);
  if (!few.ok()) co_return kj::mv(few.error());
  for (auto one : partitions) {
    auto checked = session.broker.checkPartition(one.getTopic(), one.getPartition());
    if (!checked.ok()) co_return kj::mv(checked.error());
  }
  auto described = co_await session.broker.describeGroup(group);
  if (!described.ok()) co_return kj::mv(described.error());
  auto empty = checkEmpty(described.value());
  if (!empty.ok()) co_return kj::mv(empty.error());
  auto committed = co_await session.broker.fetchOffsets(askFor(group, partitions));
  if (!committed.ok()) co_return kj::mv(committed.error());
  Moves moves;
  for (auto& entry : committed.value()) {
    auto topic = session.broker.topic(kj::StringPtr(entry.key.topic.c_str(), entry.key.topic.size()));
    if (!topic.ok()) co_return kj::mv(topic.error());
    PartitionKey key{topic.value()->id(), entry.key.partition};
    Asked asked{kj::mv(entry), key};
    auto after = co_await targetOf(session, asked, target);
    if (!after.ok()) co_return kj::mv(after.error());
    moves.add(OffsetMove{asked.entry.key.topic, asked.entry.key.partition, asked.entry.offset.offset, after.value()});
  }
  co_return kj::mv(moves);
}

kj::Promise<Result<void>> carryOutReset(Session& session, std::string group, kj::ArrayPtr<const OffsetMove> moves) {
  CommitOffsetsRequest request{.who = {.group = kj::mv(group), .member = ""}, .offsets = {}};
  for (auto& move : moves) {
    request.offsets.add(
        OffsetToCommit{.topic = move.topic, .partition = move.partition, .offset = move.after, .metadata = {}});
  }
  auto answers = co_await session.broker.commitOffsets(kj::mv(request));
  for (auto& answer : answers) {
    KJ_IF_MAYBE(error, answer) {
      if (error->code == ErrorCode::kUnknownMemberId)
        co_return makeError(ErrorCode::kNonEmptyGroup, "the group has members by now; stop them first");
      co_return kj::mv(*error);
    }
  }
  co_return Result<void>();
}

}  // namespace cambium
