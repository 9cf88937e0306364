#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

kj::Promise<OffsetDeleteResponse> handle(RequestContext& context, OffsetDeleteRequest& request) {
  OffsetDeleteResponse response;
  if (request.groupId.empty()) {
    response.errorCode = wireCode(ErrorCode::kInvalidGroupId);
    co_return kj::mv(response);
  }
  DeleteOffsetsRequest wish{.group = request.groupId.str(), .which = {}};
  // The group may have no offset of a partition, but the partition has to be there.
  kj::Vector<int16_t> codes;  // in the order of the request
  WorkShare share(context.turns());
  for (auto& topic : request.topics) {
    auto found = findTopic(context.broker(), false, topic.name, Uuid());
    for (auto& partition : topic.partitions) {
      if (share.use(1)) co_await share.turn();
      auto checked =
          found.ok() ? checkPartition(*found.value(), partition.partitionIndex) : Result<void>(found.error().clone());
      codes.add(checked.ok() ? kNoError : wireCode(checked.error().code));
      if (checked.ok()) wish.which.add(DeleteOffsetsRequest::Which{topic.name.str(), partition.partitionIndex});
    }
  }
  auto deleted = co_await context.broker().deleteOffsets(kj::mv(wish));
  response.errorCode = wireCode(deleted.error);
  if (deleted.error != nullptr) co_return kj::mv(response);
  auto code = codes.begin();
  auto outcome = deleted.perOffset.begin();
  for (auto& topic : request.topics) {
    auto& answers = response.topics.add();
    answers.name = topic.name.view();
    for (auto& partition : topic.partitions) {
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      answer.errorCode = *code == kNoError ? wireCode(*outcome++) : *code;
      ++code;
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
