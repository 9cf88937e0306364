#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

kj::Promise<OffsetDeleteResponse> handle(RequestContext& context, OffsetDeleteRequest& request) {
  OffsetDeleteResponse response;
  DeleteOffsetsRequest wish{.group = request.groupId.str(), .which = {}};
  for (auto& topic : request.topics)
    for (auto& partition : topic.partitions)
      wish.which.add(DeleteOffsetsRequest::Which{topic.name.str(), partition.partitionIndex});
  auto deleted = co_await context.broker().deleteOffsets(kj::mv(wish));
  response.errorCode = wireCode(deleted.error);
  if (deleted.error != nullptr) co_return kj::mv(response);
  size_t next = 0;
  for (auto& topic : request.topics) {
    auto& answers = response.topics.add();
    answers.name = topic.name.view();
    for (auto& partition : topic.partitions) {
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      answer.errorCode = wireCode(deleted.perOffset[next++]);
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
