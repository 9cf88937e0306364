#include <map>

#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/fetch_sessions.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using PartitionAnswer = FetchResponse::Topic::Partition;
constexpr Version kByIdSince = 13;
// Session epochs (KIP-227).
constexpr int32_t kFullEpoch = 0;    // a full request that would like a session
constexpr int32_t kFinalEpoch = -1;  // a full request without one

// What the request names, in that order. Of a partition that is named twice what is said last counts, as with Kafka.
kj::Promise<kj::Vector<FetchedPartition>> partitionsOf(WorkShare& share, const FetchRequest& request) {
  kj::Vector<FetchedPartition> all;
  std::map<std::tuple<std::string_view, Uuid, int32_t>, size_t> places;
  for (auto& topic : request.topics) {
    for (auto& wanted : topic.partitions) {
      if (share.use()) co_await share.turn();
      FetchedPartition one{.topic = topic.topic.str(),
                           .topicId = topic.topicId,
                           .partition = wanted.partition,
                           .currentLeaderEpoch = wanted.currentLeaderEpoch,
                           .fetchOffset = wanted.fetchOffset,
                           .lastFetchedEpoch = wanted.lastFetchedEpoch,
                           .bytesMax = wanted.partitionMaxBytes};
      auto place = places.emplace(std::tuple(topic.topic.view(), topic.topicId, wanted.partition), all.size());
      if (place.second) {
        all.add(kj::mv(one));
      } else {
        all[place.first->second] = kj::mv(one);
      }
    }
  }
  co_return kj::mv(all);
}

kj::Vector<FetchedPartition> forgottenOf(const FetchRequest& request) {
  kj::Vector<FetchedPartition> all;
  for (auto& topic : request.forgottenTopicsData) {
    for (auto partition : topic.partitions)
      all.add(FetchedPartition{.topic = topic.topic.str(), .topicId = topic.topicId, .partition = partition});
  }
  return all;
}

// What this request is to fetch, and the session it belongs to, if any. An error concerns the request as a whole; the
// answer has room for its number alone.
struct Plan {
  kj::Maybe<int16_t> error;
  kj::Vector<FetchedPartition> partitions;
  int32_t session = 0;
  bool incremental = false;
};

Plan begin(FetchSessions& sessions, const FetchRequest& request, kj::Vector<FetchedPartition> named, bool byId,
           int64_t nowMs) {
  Plan plan;
  if (request.sessionEpoch == kFullEpoch || request.sessionEpoch == kFinalEpoch) {
    if (request.sessionId != 0) sessions.remove(request.sessionId);
    plan.partitions = kj::mv(named);
    if (request.sessionEpoch == kFinalEpoch) return plan;
    if (auto* session = sessions.create(nowMs, plan.partitions.size())) {
      session->byId = byId;
      for (auto& partition : plan.partitions)
        session->partitions.add(partition);
      plan.session = session->id;
    }
    return plan;
  }
  auto* session = sessions.find(request.sessionId, nowMs);
  if (session == nullptr) {
    plan.error = wireCode(ErrorCode::kFetchSessionIdNotFound);
    return plan;
  }
  if (session->epoch != request.sessionEpoch) {
    plan.error = wireCode(ErrorCode::kInvalidFetchSessionEpoch);
    return plan;
  }
  if (session->byId != byId) {
    // A session names topics either by id or by name.
    plan.error = wire_code::kFetchSessionTopicIdError;
    return plan;
  }
  session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
  session->put(kj::mv(named));
  session->forget(forgottenOf(request));
  if (sessions.overfull(*session)) {
    // Without a session the client asks for everything each time, which is bounded by its request.
    sessions.remove(session->id);
    plan.error = wireCode(ErrorCode::kFetchSessionIdNotFound);
    return plan;
  }
  for (auto& partition : session->partitions)
    plan.partitions.add(partition);
  plan.session = session->id;
  plan.incremental = true;
  return plan;
}

// A client of an older version cannot read zstd (KIP-110).
Result<void> checkCodec(const Topic& topic, Version version) {
  constexpr Version kZstdSince = 10;
  KJ_IF_MAYBE(codec, topic.config().partition.codec) {
    if (*codec == Codec::kZstd && version < kZstdSince) {
      return makeError(ErrorCode::kUnsupportedCompressionType, "topic ", topic.name(), " is compressed with zstd");
    }
  }
  return Result<void>();
}

Result<PartitionKey> locate(LocalBroker& broker, const FetchedPartition& wanted, Version version) {
  bool byId = version >= kByIdSince;
  auto topic = byId ? broker.topic(wanted.topicId) : broker.topic(kj::StringPtr(wanted.topic.c_str()));
  if (!topic.ok()) return kj::mv(topic.error());
  auto checked = checkPartition(*topic.value(), wanted.partition);
  // For a fetch every number below 0 says nothing, as with Kafka.
  auto epoch = kj::max(wanted.currentLeaderEpoch, -1);
  if (checked.ok()) checked = checkLeaderEpoch(*topic.value(), wanted.partition, epoch);
  if (checked.ok()) checked = checkCodec(*topic.value(), version);
  if (!checked.ok()) return kj::mv(checked.error());
  return PartitionKey{topic.value()->id(), wanted.partition};
}

constexpr int8_t kReadCommitted = 1;

PartitionAnswer answerOf(const FetchedPartition& wanted, Result<ReadOutcome>& outcome, bool readCommitted) {
  PartitionAnswer answer;
  answer.partitionIndex = wanted.partition;
  if (!outcome.ok()) {
    answer.errorCode = wireCode(outcome.error().code);
    answer.highWatermark = -1;
    answer.records = Records();
    return answer;
  }
  auto& read = outcome.value();
  // Null would mean that the broker does not know; a client that reads committed records may not take that.
  if (readCommitted) answer.abortedTransactions.emplace();
  answer.highWatermark = read.highWatermark.value();
  answer.lastStableOffset = read.highWatermark.value();
  answer.logStartOffset = read.logStart.value();
  KJ_IF_MAYBE(end, read.diverging) {
    answer.divergingEpoch = PartitionAnswer::EpochEndOffset{end->epoch.value(), end->offset.value()};
  }
  answer.records = Records(kj::mv(read.batches));
  return answer;
}

// Notes in the session what the client is told. True when there is something to tell.
bool noteTold(FetchSession& session, size_t place, const FetchedPartition& asked, const PartitionAnswer& answer) {
  if (place >= session.partitions.size() || !session.partitions[place].sameAs(asked)) return true;
  auto& known = session.partitions[place];
  bool failed = answer.errorCode != kNoError;
  bool news = failed || known.failed || answer.divergingEpoch != nullptr ||
              known.highWatermark != answer.highWatermark || known.logStart != answer.logStartOffset ||
              KJ_ASSERT_NONNULL(answer.records).size() > 0;
  known.highWatermark = answer.highWatermark;
  known.logStart = answer.logStartOffset;
  known.failed = failed;
  return news;
}

void add(FetchResponse& response, const FetchedPartition& wanted, PartitionAnswer answer) {
  FetchResponse::Topic* topic = response.responses.size() > 0 ? &response.responses.back() : nullptr;
  if (topic == nullptr || topic->topicId != wanted.topicId || topic->topic.view() != wanted.topic) {
    topic = &response.responses.add();
    topic->topic = Text::copy(wanted.topic);
    topic->topicId = wanted.topicId;
  }
  topic->partitions.add(kj::mv(answer));
}

// What is read for the partitions of the plan: an outcome for each.
kj::Promise<kj::Vector<kj::Maybe<Result<ReadOutcome>>>> read(RequestContext& context, WorkShare& share,
                                                             const FetchRequest& request, const Plan& plan) {
  auto& limits = context.door.limits;
  auto bytesMax = kj::min(static_cast<uint64_t>(kj::max(request.maxBytes, 0)), limits.fetchBytesMax.value());
  FetchWish wish{.bytesMax = Bytes(bytesMax),
                 .bytesMin = Bytes(static_cast<uint64_t>(kj::max(request.minBytes, 0))),
                 .waitMsMax = kj::min(int64_t{request.maxWaitMs}, limits.fetchWaitMsMax),
                 .room = context.room};
  kj::Vector<kj::Maybe<Result<ReadOutcome>>> outcomes;
  kj::Vector<size_t> places;
  for (auto& wanted : plan.partitions) {
    if (share.use()) co_await share.turn();
    auto located = locate(context.broker(), wanted, context.version());
    if (located.ok()) {
      places.add(outcomes.size());
      outcomes.add(nullptr);
      auto most = kj::min(static_cast<uint64_t>(kj::max(wanted.bytesMax, 0)), limits.partitionBytesMax.value());
      wish.parts.add(FetchWish::Part{located.value(), Offset(wanted.fetchOffset), Bytes(most),
                                     LeaderEpoch(kj::max(wanted.lastFetchedEpoch, -1))});
    } else {
      wish.waitMsMax = 0;  // an error is told at once
      outcomes.add(Result<ReadOutcome>(kj::mv(located.error())));
    }
  }
  auto fetched = co_await context.broker().fetch(kj::mv(wish));
  for (size_t i = 0; i < fetched.size(); ++i)
    outcomes[places[i]] = kj::mv(fetched[i]);
  co_return kj::mv(outcomes);
}

}  // namespace

kj::Promise<FetchResponse> handle(RequestContext& context, FetchRequest& request) {
  FetchResponse response;
  auto& sessions = context.door.fetchSessions;
  auto& broker = context.broker();
  bool byId = context.version() >= kByIdSince;
  WorkShare share(context.turns());
  auto named = co_await partitionsOf(share, request);
  auto plan = begin(sessions, request, kj::mv(named), byId, broker.now().value());
  KJ_IF_MAYBE(error, plan.error) {
    response.errorCode = *error;
    co_return kj::mv(response);
  }
  response.sessionId = plan.session;
  auto outcomes = co_await read(context, share, request, plan);

  constexpr size_t kBytesPerPartition = 256;
  co_await context.room.grow(Bytes(plan.partitions.size() * kBytesPerPartition));
  // The session may be gone by now, and after each turn: the answer is complete all the same.
  auto findSession = [&] { return plan.session == 0 ? nullptr : sessions.find(plan.session, broker.now().value()); };
  auto* session = findSession();
  kj::Vector<bool> served;
  for (size_t i = 0; i < plan.partitions.size(); ++i) {
    if (share.use()) {
      co_await share.turn();
      session = findSession();
    }
    auto& wanted = plan.partitions[i];
    auto answer = answerOf(wanted, KJ_ASSERT_NONNULL(outcomes[i]), request.isolationLevel == kReadCommitted);
    served.add(KJ_ASSERT_NONNULL(answer.records).size() > 0);
    bool news = session == nullptr || noteTold(*session, i, wanted, answer);
    if (news || !plan.incremental) add(response, wanted, kj::mv(answer));
  }
  if (session != nullptr && session->partitions.size() == served.size()) session->rotate(served);
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
