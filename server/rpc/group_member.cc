#include "server/rpc/group_member.h"

#include "engine/group/consumer_protocol.h"

namespace cambium {

namespace {

constexpr auto kPauseMin = 50 * kj::MILLISECONDS;
constexpr unsigned kPauseDoublingsMax = 6;
// Beats in each session timeout.
constexpr int32_t kBeatsPerSession = 3;

kj::ArrayPtr<const Subscriber> viewOf(const std::vector<Subscriber>& subscribers) {
  return kj::arrayPtr(subscribers.data(), subscribers.size());
}

}  // namespace

GroupMember::GroupMember(Session& session, Options options, Owner& owner)
    : session_(session),
      timer_(session.broker.loop().timer),
      options_(kj::mv(options)),
      owner_(owner),
      who_{.group = options_.group, .member = ""},
      running_(kj::evalLater([this] { return run(); }).eagerlyEvaluate([this](kj::Exception&& e) {
        // A client that has gone, or whose listener fails, is no fault of ours.
        if (e.getType() != kj::Exception::Type::DISCONNECTED) {
          session_.log.warn("a member of a group failed", options_.group.c_str(), ", ", e.getFile(), ":", e.getLine(),
                            ": ", e.getDescription());
        }
        ended_ = true;
        owner_.ended(makeError(ErrorCode::kUnknown, "the membership failed: ", e.getDescription()));
      })) {}

GroupMember::~GroupMember() noexcept(false) {
  // A join under way is given up first.
  running_ = nullptr;
  if (who_.member.empty() || ended_) return;
  LeaveGroupRequest request{.group = options_.group, .members = {}};
  request.members.add(LeaveGroupRequest::Leaver{who_.member, nullptr});
  session_.work.add(session_.broker.leaveGroup(kj::mv(request)).ignoreResult().attach(kj::addRef(session_)));
}

kj::Promise<void> GroupMember::run() {
  for (;;) {
    auto entered = co_await enter();
    if (!entered.ok()) {
      KJ_IF_MAYBE(pause, beforeNextTry(entered.error())) {
        co_await *pause;
        continue;
      }
      ended_ = true;
      owner_.ended(kj::mv(entered.error()));
      co_return;
    }
    failures_ = 0;
    owned_ = kj::mv(entered.value());
    ownedGeneration_ = who_.generation;
    co_await owner_.assigned(who_.generation, owned_);
    auto why = co_await whileStable();
    co_await letGo();
    if (why.code == ErrorCode::kUnknownMemberId) who_.member.clear();
  }
}

kj::Promise<JoinGroupAnswer> GroupMember::join() {
  JoinGroupRequest request{.who = who_.clone(),
                           .clientId = options_.clientName,
                           .clientHost = session_.clientHost.cStr(),
                           .protocolType = kRpcProtocolType.cStr(),
                           .protocols = {},
                           .sessionTimeoutMs = options_.sessionTimeoutMs,
                           .rebalanceTimeoutMs = options_.rebalanceTimeoutMs,
                           // The id has to be known before the join waits: who is dropped meanwhile leaves with it.
                           .memberIdRequired = true};
  request.protocols.add(GroupProtocol{
      assignorName(options_.assignor).cStr(),
      encodeSubscription(
          {.member = {}, .topics = options_.topics, .owned = owned_, .ownedGeneration = ownedGeneration_})});
  return session_.broker.joinGroup(kj::mv(request));
}

kj::Promise<Result<std::vector<GroupPartition>>> GroupMember::enter() {
  using Answer = Result<std::vector<GroupPartition>>;
  who_.generation = -1;
  auto joined = co_await join();
  KJ_IF_MAYBE(error, joined.error) {
    if (error->code == ErrorCode::kMemberIdRequired) who_.member = joined.member;
    if (error->code == ErrorCode::kUnknownMemberId) who_.member.clear();
    co_return Answer(kj::mv(*error));
  }
  who_.member = joined.member;
  who_.generation = joined.generation;
  isLeader_ = joined.leader == joined.member;
  SyncGroupRequest request{.who = who_.clone(),
                           .protocolType = std::string(kRpcProtocolType.cStr()),
                           .protocol = std::string(assignorName(options_.assignor).cStr()),
                           .assignments = {}};
  if (isLeader_) request.assignments = divide(joined);
  auto synced = co_await session_.broker.syncGroup(kj::mv(request));
  KJ_IF_MAYBE(error, synced.error) {
    if (error->code == ErrorCode::kUnknownMemberId) who_.member.clear();
    co_return Answer(kj::mv(*error));
  }
  KJ_IF_MAYBE(partitions, decodeAssignment(synced.assignment)) co_return Answer(kj::mv(*partitions));
  co_return Answer(makeError(ErrorCode::kUnknown, "group ", options_.group.c_str(), ": the assignment makes no sense"));
}

kj::Vector<MemberAssignment> GroupMember::divide(const JoinGroupAnswer& joined) {
  std::vector<Subscriber> subscribers;
  divided_.clear();
  for (auto& member : joined.members) {
    KJ_IF_MAYBE(subscriber, decodeSubscription(member.member, member.metadata)) {
      for (auto& topic : subscriber->topics)
        divided_[topic] = 0;
      subscribers.push_back(kj::mv(*subscriber));
    } else {
      subscribers.push_back({.member = member.member, .topics = {}, .owned = {}});
    }
  }
  divided_ = countPartitions();
  kj::Vector<MemberAssignment> assignments;
  for (auto& [member, partitions] : assignPartitions(options_.assignor, viewOf(subscribers), divided_)) {
    assignments.add(MemberAssignment{member, encodeAssignment(kj::arrayPtr(partitions.data(), partitions.size()))});
  }
  return assignments;
}

PartitionCounts GroupMember::countPartitions() const {
  PartitionCounts counts;
  auto image = session_.broker.image();
  for (auto& [name, before] : divided_) {
    KJ_IF_MAYBE(topic, image->find(kj::StringPtr(name.c_str(), name.size()))) {
      counts[name] = topic->partitionCount();
    } else {
      counts[name] = 0;
    }
  }
  return counts;
}

bool GroupMember::partitionsChanged() const {
  return isLeader_ && countPartitions() != divided_;
}

kj::Promise<Error> GroupMember::whileStable() {
  for (;;) {
    auto beat = co_await session_.broker.awaitRebalance(who_.clone(), options_.sessionTimeoutMs / kBeatsPerSession);
    if (!beat.ok()) co_return kj::mv(beat.error());
    if (partitionsChanged()) co_return makeError(ErrorCode::kRebalanceInProgress, "the topics have changed");
  }
}

kj::Promise<void> GroupMember::letGo() {
  auto late = timer_.afterDelay(options_.rebalanceTimeoutMs * kj::MILLISECONDS);
  return owner_.revoked().exclusiveJoin(kj::mv(late)).exclusiveJoin(beatForEver());
}

kj::Promise<void> GroupMember::beatForEver() {
  for (;;) {
    co_await timer_.afterDelay(options_.sessionTimeoutMs / kBeatsPerSession * kj::MILLISECONDS);
    (void)co_await session_.broker.heartbeat(who_.clone());
  }
}

kj::Maybe<kj::Promise<void>> GroupMember::beforeNextTry(const Error& error) {
  switch (error.code) {
    case ErrorCode::kMemberIdRequired:
      return kj::Promise<void>(kj::READY_NOW);
    case ErrorCode::kUnknownMemberId:
    case ErrorCode::kIllegalGeneration:
    case ErrorCode::kRebalanceInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kNotCoordinator:
      break;
    default:
      return nullptr;
  }
  // The first one is the way of groups; then something is in the way.
  if (failures_++ == 0) return kj::Promise<void>(kj::READY_NOW);
  return timer_.afterDelay(kPauseMin * (1 << kj::min(failures_, kPauseDoublingsMax)));
}

kj::Promise<CommitOffsetsAnswer> GroupMember::commit(int32_t generation, kj::Vector<OffsetToCommit> offsets) {
  CommitOffsetsRequest request{.who = who_.clone(), .offsets = kj::mv(offsets)};
  request.who.generation = generation;
  return session_.broker.commitOffsets(kj::mv(request));
}

}  // namespace cambium
