#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

constexpr std::string_view kMetadataTopic = "__cluster_metadata";
constexpr const char* kListener = "CONTROLLER";

// The quorum that keeps the metadata: this broker. Its log's end is the revision of the metadata.
void describeSelf(RequestContext& context, DescribeQuorumResponse::Topic::Partition& answer) {
  auto revision = context.broker().image()->revision().value();
  auto now = context.broker().now().value();
  answer.leaderId = context.brokerId();
  answer.leaderEpoch = 1;
  answer.highWatermark = revision;
  auto& voter = answer.currentVoters.add();
  voter.replicaId = context.brokerId();
  voter.logEndOffset = revision;
  voter.lastFetchTimestamp = now;
  voter.lastCaughtUpTimestamp = now;
}

}  // namespace

kj::Promise<DescribeQuorumResponse> handle(RequestContext& context, DescribeQuorumRequest& request) {
  DescribeQuorumResponse response;
  NamedOnce<std::string_view, int32_t> named;
  WorkShare share(context.turns());
  for (auto& wanted : request.topics) {
    auto& answers = response.topics.add();
    answers.topicName = wanted.topicName.view();
    for (auto& partition : wanted.partitions) {
      if (share.use(2)) co_await share.turn();
      if (!named.first(wanted.topicName, partition.partitionIndex)) continue;
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      if (wanted.topicName.view() == kMetadataTopic && partition.partitionIndex == 0) {
        describeSelf(context, answer);
      } else {
        auto error = makeError(ErrorCode::kUnknownTopicOrPartition, "the quorum keeps ", kMetadataTopic.data(),
                               "-0 only, not ", wanted.topicName, "-", partition.partitionIndex);
        answer.errorCode = wireCode(error.code);
        answer.errorMessage = wireMessage(error);
      }
    }
  }
  auto& endpoint = context.advertised();
  auto& node = response.nodes.add();
  node.nodeId = context.brokerId();
  auto& listener = node.listeners.add();
  listener.name = kListener;
  listener.host = Text(kj::str(endpoint.host));
  listener.port = static_cast<uint16_t>(endpoint.port);
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
