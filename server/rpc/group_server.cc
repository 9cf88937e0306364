#include "server/rpc/group_server.h"

#include "engine/group/consumer_protocol.h"
#include "server/rpc/error_mapping.h"
#include "server/rpc/group_reset.h"
#include "server/rpc/membership_server.h"

namespace cambium {

namespace {

constexpr size_t kMetadataBytesMax = 4096;
constexpr size_t kGroupNameBytesMax = 255;
constexpr size_t kClientNameBytesMax = 255;
constexpr int32_t kRebalanceTimeoutMsMax = 60 * 60 * 1000;

void write(rpc::CommittedOffset::Builder builder, const OffsetOfKey& entry) {
  builder.setTopic(entry.key.topic.c_str());
  builder.setPartition(entry.key.partition);
  builder.setOffset(entry.offset.offset.value());
  builder.setLeaderEpoch(entry.offset.leaderEpoch.value());
  builder.setMetadata(entry.offset.metadata);
  builder.setCommitTimestamp(entry.offset.committedAt.value());
}

Result<Assignor> assignorFrom(rpc::JoinOptions::Assignor assignor) {
  switch (assignor) {
    case rpc::JoinOptions::Assignor::STICKY:
      return Assignor::kSticky;
    case rpc::JoinOptions::Assignor::RANGE:
      return Assignor::kRange;
    case rpc::JoinOptions::Assignor::ROUND_ROBIN:
      return Assignor::kRoundRobin;
  }
  return makeError(ErrorCode::kInconsistentGroupProtocol, "assignor ", static_cast<uint16_t>(assignor),
                   " is not known here; there are sticky, range and roundRobin");
}

Result<std::vector<std::string>> topicsFrom(const Session& session, capnp::List<capnp::Text>::Reader names) {
  auto few = checkListSize("topics", names.size(), session.limits.listEntriesMax);
  if (!few.ok()) return kj::mv(few.error());
  std::vector<std::string> topics;
  for (auto name : names) {
    auto checked = checkTopicName(name);
    if (!checked.ok()) return kj::mv(checked.error());
    topics.emplace_back(name.cStr());
  }
  return kj::mv(topics);
}

Result<MembershipServer::Options> optionsFrom(const Session& session, kj::StringPtr group,
                                              rpc::Group::JoinParams::Reader params) {
  auto options = params.getOptions();
  auto assignor = assignorFrom(options.getAssignor());
  if (!assignor.ok()) return kj::mv(assignor.error());
  auto topics = topicsFrom(session, params.getTopics());
  if (!topics.ok()) return kj::mv(topics.error());
  auto timeout = options.getRebalanceTimeoutMs();
  if (timeout < 0 || timeout > kRebalanceTimeoutMsMax) {
    return makeError(ErrorCode::kInvalidRequest, "rebalanceTimeoutMs is ", timeout, ", expected 0 to ",
                     kRebalanceTimeoutMsMax);
  }
  auto client = options.getClientName();
  if (client.size() > kClientNameBytesMax) {
    return makeError(ErrorCode::kInvalidRequest, "the client's name has ", client.size(), " bytes, at most ",
                     kClientNameBytesMax, " are allowed");
  }
  return MembershipServer::Options{
      .member = {.group = group.cStr(),
                 .topics = kj::mv(topics.value()),
                 .assignor = assignor.value(),
                 .sessionTimeoutMs = options.getSessionTimeoutMs(),
                 .rebalanceTimeoutMs = timeout,
                 .clientName = client.size() > 0 ? client.cStr() : "cambium-client"},
      .asBatches = options.getFormat() == rpc::SubscribeOptions::Format::BATCHES,
      .startAtEnd = options.getStartAtEnd(),
      .bytesPerPush = kj::min(Bytes(options.getBytesPerPush()), session.limits.readBytesMax)};
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

Result<kj::Vector<OffsetToCommit>> offsetsToCommit(const Session& session,
                                                   capnp::List<rpc::OffsetToCommit>::Reader offsets) {
  auto few = checkListSize("offsets", offsets.size(), session.limits.listEntriesMax);
  if (!few.ok()) return kj::mv(few.error());
  kj::Vector<OffsetToCommit> out(offsets.size());
  for (auto entry : offsets) {
    if (entry.getOffset() < 0) {
      return makeError(ErrorCode::kOffsetOutOfRange, "offset ", entry.getOffset(), " of ", entry.getTopic(), "-",
                       entry.getPartition(), " cannot be committed");
    }
    if (entry.getMetadata().size() > kMetadataBytesMax) {
      return makeError(ErrorCode::kOffsetMetadataTooLarge, "the metadata for ", entry.getTopic(), "-",
                       entry.getPartition(), " has ", entry.getMetadata().size(), " bytes, at most ", kMetadataBytesMax,
                       " are allowed");
    }
    out.add(OffsetToCommit{.topic = entry.getTopic().cStr(),
                           .partition = entry.getPartition(),
                           .offset = Offset(entry.getOffset()),
                           .leaderEpoch = LeaderEpoch(entry.getLeaderEpoch()),
                           .metadata = entry.getMetadata().cStr()});
  }
  return kj::mv(out);
}

GroupServer::GroupServer(kj::Own<Session> session, kj::String group)
    : session_(kj::mv(session)), group_(kj::mv(group)) {}

// --- Offsets
// ----------------------------------------------------------------------------------------------------

kj::Promise<void> GroupServer::commit(CommitContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto offsets = offsetsToCommit(*session_, context.getParams().getOffsets());
  Result<void> checked;
  if (!offsets.ok()) checked = kj::mv(offsets.error());
  if (checked.ok()) {
    // All or none.
    for (auto& offset : offsets.value()) {
      checked = session_->broker.checkPartition(offset.topic.c_str(), offset.partition);
      if (!checked.ok()) break;
    }
  }
  if (!checked.ok()) {
    writeError(context.getResults(kSmallResults).initError(), checked.error());
    co_return;
  }
  CommitOffsetsRequest request{.who = {.group = name(), .member = ""}, .offsets = kj::mv(offsets.value())};
  auto answers = co_await session_->broker.commitOffsets(kj::mv(request));
  writeFirstError(context.getResults(kSmallResults), answers);
}

kj::Promise<void> GroupServer::fetch(FetchContext context) {
  auto asked = context.getParams().getPartitions();
  auto few = checkListSize("partitions", asked.size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults().initError(), few.error());
    co_return;
  }
  FetchOffsetsRequest request{.who = {.group = name(), .member = ""}, .wanted = {}};
  if (asked.size() > 0) {
    auto& wanted = request.wanted.emplace();
    for (auto one : asked)
      wanted.add(FetchOffsetsRequest::Wanted{one.getTopic().cStr(), one.getPartition()});
  }
  auto found = co_await session_->broker.fetchOffsets(kj::mv(request));
  if (!found.ok()) {
    writeError(context.getResults().initError(), found.error());
    co_return;
  }
  auto list = context.getResults().initOffsets(static_cast<unsigned>(found.value().size()));
  for (unsigned i = 0; i < list.size(); ++i)
    write(list[i], found.value()[i]);
}

kj::Promise<void> GroupServer::delete_(DeleteContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto partitions = context.getParams().getPartitions();
  auto few = checkListSize("partitions", partitions.size(), session_->limits.listEntriesMax);
  if (!few.ok()) {
    writeError(context.getResults().initError(), few.error());
    co_return;
  }
  DeleteOffsetsRequest request{.group = name(), .which = {}};
  for (auto one : partitions)
    request.which.add(DeleteOffsetsRequest::Which{one.getTopic().cStr(), one.getPartition()});
  auto answer = co_await session_->broker.deleteOffsets(kj::mv(request));
  KJ_IF_MAYBE(error, answer.error) {
    // What is not there is deleted.
    if (error->code != ErrorCode::kGroupIdNotFound) writeError(context.getResults().initError(), *error);
    co_return;
  }
  writeFirstError(context.getResults(kSmallResults), answer.perOffset);
}

kj::Promise<void> GroupServer::reset(ResetContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto params = context.getParams();
  auto changes = co_await planReset(*session_, name(), params.getPartitions(), params.getTo());
  if (changes.ok() && !params.getValidateOnly()) {
    auto done = co_await carryOutReset(*session_, name(), changes.value());
    if (!done.ok()) changes = kj::mv(done.error());
  }
  if (!changes.ok()) {
    writeError(context.getResults(kSmallResults).initError(), changes.error());
    co_return;
  }
  auto list = context.getResults().initChanges(static_cast<unsigned>(changes.value().size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    auto& change = changes.value()[i];
    list[i].setTopic(change.topic.c_str());
    list[i].setPartition(change.partition);
    list[i].setBefore(change.before.value());
    list[i].setAfter(change.after.value());
  }
}

// --- Members
// ----------------------------------------------------------------------------------------------------

kj::Promise<void> GroupServer::join(JoinContext context) {
  auto params = context.getParams();
  auto made = optionsFrom(*session_, group_, params);
  if (!made.ok()) {
    writeError(context.getResults(kSmallResults).initError(), made.error());
    return kj::READY_NOW;
  }
  kj::Maybe<rpc::AssignmentListener::Client> listener;
  kj::Maybe<rpc::RecordSink::Client> sink;
  if (params.getOptions().hasListener()) listener = params.getOptions().getListener();
  if (params.getOptions().hasSink()) sink = params.getOptions().getSink();
  context.getResults(kSmallResults)
      .setMembership(
          kj::heap<MembershipServer>(kj::addRef(*session_), kj::mv(made.value()), kj::mv(listener), kj::mv(sink)));
  return kj::READY_NOW;
}

kj::Promise<void> GroupServer::describe(DescribeContext context) {
  auto found = co_await session_->broker.describeGroup(name());
  if (found.ok() && found.value().state == GroupState::kDead)
    found = makeError(ErrorCode::kGroupIdNotFound, "group ", group_, " is not found");
  if (!found.ok()) {
    writeError(context.getResults(kSmallResults).initError(), found.error());
    co_return;
  }
  auto& group = found.value();
  auto out = context.getResults().initGroup();
  out.setName(group.group.c_str());
  out.setState(groupStateName(group.state));
  out.setProtocolType(group.protocolType.c_str());
  out.setAssignor(group.protocol.c_str());
  auto members = out.initMembers(static_cast<unsigned>(group.members.size()));
  for (unsigned m = 0; m < members.size(); ++m) {
    auto& member = group.members[m];
    members[m].setId(member.member.c_str());
    KJ_IF_MAYBE(instance, member.instance) members[m].setInstance(instance->c_str());
    members[m].setClientName(member.clientId.c_str());
    members[m].setHost(member.clientHost.c_str());
    KJ_IF_MAYBE(partitions, decodeAssignment(member.assignment)) {
      auto list = members[m].initPartitions(static_cast<unsigned>(partitions->size()));
      for (unsigned p = 0; p < list.size(); ++p) {
        list[p].setTopic((*partitions)[p].topic.c_str());
        list[p].setPartition((*partitions)[p].partition);
      }
    }
  }
}

kj::Promise<void> GroupServer::deleteGroup(DeleteGroupContext context) {
  WorkInFlight::Lease lease(session_->work);
  auto done = co_await session_->broker.deleteGroup(name());
  if (!done.ok()) writeError(context.getResults(kSmallResults).initError(), done.error());
}

}  // namespace cambium
