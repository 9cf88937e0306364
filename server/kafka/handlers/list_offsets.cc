#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using Answer = ListOffsetsResponse::Topic::Partition;

// Timestamps that stand for a place in the log.
constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;           // KIP-734, version 7
constexpr int64_t kEarliestLocal = -4;          // KIP-405, version 8: everything is local here
constexpr int64_t kLatestTiered = -5;           // KIP-1005, version 9: nothing is tiered
constexpr int64_t kEarliestPendingUpload = -6;  // KIP-1023, version 11

Version leastVersionFor(int64_t timestamp) {
  switch (timestamp) {
    case kMaxTimestamp:
      return 7;
    case kEarliestLocal:
      return 8;
    case kLatestTiered:
      return 9;
    case kEarliestPendingUpload:
      return 11;
    default:
      return 0;
  }
}

OffsetQuery queryFor(int64_t timestamp) {
  switch (timestamp) {
    case kLatest:
      return {OffsetQuery::Kind::kLatest};
    case kEarliest:
    case kEarliestLocal:
      return {OffsetQuery::Kind::kEarliest};
    case kMaxTimestamp:
      return {OffsetQuery::Kind::kMaxTimestamp};
    default:
      return {OffsetQuery::Kind::kTimestamp, TimestampMs(timestamp)};
  }
}

// A place by time is looked for in the log.
size_t unitsOf(int64_t timestamp) {
  return timestamp >= 0 || timestamp == kMaxTimestamp ? 25 : 2;
}

kj::Promise<Answer> answerPartition(RequestContext& context, kj::Own<const Topic> topic,
                                    const ListOffsetsRequest::Topic::Partition& wanted) {
  Answer answer;
  answer.partitionIndex = wanted.partitionIndex;
  auto checked = checkPartition(*topic, wanted.partitionIndex);
  if (checked.ok()) checked = checkLeaderEpoch(*topic, wanted.partitionIndex, wanted.currentLeaderEpoch);
  if (checked.ok() &&
      (wanted.timestamp < kEarliestPendingUpload || context.version() < leastVersionFor(wanted.timestamp))) {
    checked =
        makeError(ErrorCode::kUnsupportedVersion, "timestamp ", wanted.timestamp, " in version ", context.version());
  }
  if (!checked.ok()) {
    answer.errorCode = wireCode(checked.error().code);
    co_return answer;
  }
  if (wanted.timestamp == kLatestTiered || wanted.timestamp == kEarliestPendingUpload) co_return answer;
  auto found = co_await context.broker().findOffset({topic->id(), wanted.partitionIndex}, queryFor(wanted.timestamp));
  if (!found.ok()) {
    answer.errorCode = wireCode(found.error().code);
    co_return answer;
  }
  answer.offset = found.value().offset.value();
  answer.timestamp = found.value().timestamp.value();
  answer.leaderEpoch = found.value().leaderEpoch.value();
  co_return answer;
}

}  // namespace

// A partition that is named twice is refused, in one answer, as with Kafka.
kj::Promise<ListOffsetsResponse> handle(RequestContext& context, ListOffsetsRequest& request) {
  ListOffsetsResponse response;
  WorkShare share(context.turns());
  using Named = NamedTwice<std::string_view, int32_t>;
  Named named;
  for (auto& wanted : request.topics) {
    for (auto& partition : wanted.partitions) {
      if (share.use()) co_await share.turn();
      named.name(wanted.name, partition.partitionIndex);
    }
  }
  for (auto& wanted : request.topics) {
    ListOffsetsResponse::Topic answers;
    answers.name = wanted.name.view();
    auto topic = findTopic(context.broker(), false, wanted.name, Uuid());
    for (auto& partition : wanted.partitions) {
      if (share.use(unitsOf(partition.timestamp))) co_await share.turn();
      auto what = named.answer(wanted.name, partition.partitionIndex);
      if (what == Named::Answer::kServe && topic.ok()) {
        answers.partitions.add(co_await answerPartition(context, kj::atomicAddRef(*topic.value()), partition));
      } else if (what != Named::Answer::kNone) {
        auto& answer = answers.partitions.add();
        answer.partitionIndex = partition.partitionIndex;
        answer.errorCode = wireCode(what == Named::Answer::kServe ? topic.error().code : ErrorCode::kInvalidRequest);
      }
    }
    if (answers.partitions.size() > 0) response.topics.add(kj::mv(answers));
  }
  co_return response;
}

}  // namespace cambium::kafka
