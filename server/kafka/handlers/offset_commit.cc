#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/group_identity.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

constexpr Version kByIdSince = 10;
// From this version on a group that is not there is an error of its own (KIP-848).
constexpr Version kGroupNotFoundSince = 9;

struct Place {
  size_t topic, partition;
};

}  // namespace

kj::Promise<OffsetCommitResponse> handle(RequestContext& context, OffsetCommitRequest& request) {
  bool byId = context.version() >= kByIdSince;
  OffsetCommitResponse response;
  CommitOffsetsRequest wish{
      .who = identify(request.groupId, request.memberId, request.groupInstanceId, request.generationIdOrMemberEpoch),
      .offsets = {}};
  kj::Vector<Place> places;
  for (auto& wanted : request.topics) {
    auto& answers = response.topics.add();
    answers.name = wanted.name.view();
    answers.topicId = wanted.topicId;
    // By name the coordinator looks itself: a group may commit for a topic that comes and goes.
    auto name = wanted.name.str();
    kj::Maybe<Error> unknown;
    if (byId) {
      auto topic = context.broker().topic(wanted.topicId);
      if (topic.ok()) name = topic.value()->name().cStr();
      if (!topic.ok()) unknown = kj::mv(topic.error());
    }
    for (auto& partition : wanted.partitions) {
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      answer.errorCode = wireCode(unknown);
      if (unknown != nullptr) continue;
      OffsetToCommit offset{.topic = name,
                            .partition = partition.partitionIndex,
                            .offset = Offset(partition.committedOffset),
                            .leaderEpoch = LeaderEpoch(partition.committedLeaderEpoch),
                            .metadata = {}};
      KJ_IF_MAYBE(metadata, partition.committedMetadata) offset.metadata = metadata->str();
      wish.offsets.add(kj::mv(offset));
      places.add(Place{response.topics.size() - 1, answers.partitions.size() - 1});
    }
  }
  auto committed = co_await context.broker().commitOffsets(kj::mv(wish));
  for (size_t i = 0; i < places.size(); ++i) {
    auto code = wireCode(committed[i]);
    if (context.version() < kGroupNotFoundSince && code == wireCode(ErrorCode::kGroupIdNotFound)) {
      code = wireCode(ErrorCode::kIllegalGeneration);
    }
    response.topics[places[i].topic].partitions[places[i].partition].errorCode = code;
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
