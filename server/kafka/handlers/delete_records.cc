#include <map>

#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

// -1 stands for everything below the high watermark.
kj::Promise<Result<Offset>> deleteBefore(LocalBroker& broker, const Result<kj::Own<const Topic>>& topic,
                                         int32_t partition, int64_t offset) {
  if (!topic.ok()) return Result<Offset>(topic.error().clone());
  auto checked = checkPartition(*topic.value(), partition);
  if (!checked.ok()) return Result<Offset>(kj::mv(checked.error()));
  if (offset < -1) {
    return Result<Offset>(makeError(ErrorCode::kOffsetOutOfRange, "records before ", offset, " cannot be deleted"));
  }
  return broker.deleteRecords({topic.value()->id(), partition}, Offset(offset));
}

}  // namespace

// Of a partition that is named twice what is said last counts, and it is answered once, as with Kafka.
kj::Promise<DeleteRecordsResponse> handle(RequestContext& context, DeleteRecordsRequest& request) {
  DeleteRecordsResponse response;
  WorkShare share(context.turns());
  std::map<std::pair<std::string_view, int32_t>, int64_t> last;
  for (auto& wanted : request.topics) {
    for (auto& partition : wanted.partitions) {
      if (share.use()) co_await share.turn();
      last[{wanted.name, partition.partitionIndex}] = partition.offset;
    }
  }
  NamedOnce<std::string_view, int32_t> named;
  for (auto& wanted : request.topics) {
    DeleteRecordsResponse::Topic answers;
    answers.name = wanted.name.view();
    auto topic = findTopic(context.broker(), false, wanted.name, Uuid());
    for (auto& partition : wanted.partitions) {
      if (share.use(2)) co_await share.turn();
      if (!named.first(wanted.name, partition.partitionIndex)) continue;
      auto offset = last[{wanted.name, partition.partitionIndex}];
      auto deleted = co_await deleteBefore(context.broker(), topic, partition.partitionIndex, offset);
      auto& answer = answers.partitions.add();
      answer.partitionIndex = partition.partitionIndex;
      answer.lowWatermark = deleted.ok() ? deleted.value().value() : -1;
      if (!deleted.ok()) answer.errorCode = wireCode(deleted.error().code);
    }
    if (answers.partitions.size() > 0) response.topics.add(kj::mv(answers));
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
