#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

using Producers = Result<kj::Vector<ProducerDescription>>;

kj::Promise<Producers> producersOf(LocalBroker& broker, const Result<kj::Own<const Topic>>& topic, int32_t partition) {
  if (!topic.ok()) return Producers(topic.error().clone());
  auto checked = checkPartition(*topic.value(), partition);
  if (!checked.ok()) return Producers(kj::mv(checked.error()));
  return broker.producers({topic.value()->id(), partition});
}

}  // namespace

kj::Promise<DescribeProducersResponse> handle(RequestContext& context, DescribeProducersRequest& request) {
  constexpr size_t kBytesPerProducer = 192;
  DescribeProducersResponse response;
  WorkShare share(context.turns());
  NamedOnce<std::string_view, int32_t> named;
  for (auto& wanted : request.topics) {
    auto& answers = response.topics.add();
    answers.name = wanted.name.view();
    auto topic = describedTopic(context.broker(), kj::heapString(wanted.name.view().data(), wanted.name.size()));
    for (auto index : wanted.partitionIndexes) {
      if (share.use(2)) co_await share.turn();
      if (!named.first(wanted.name, index)) continue;
      auto producers = co_await producersOf(context.broker(), topic, index);
      auto count = producers.ok() ? producers.value().size() : 0;
      if (count > 0) co_await context.room.grow(Bytes(count * kBytesPerProducer));
      auto& answer = answers.partitions.add();
      answer.partitionIndex = index;
      if (!producers.ok()) {
        answer.errorCode = wireCode(producers.error().code);
        answer.errorMessage = wireMessage(producers.error());
        continue;
      }
      for (auto& producer : producers.value()) {
        if (share.use()) co_await share.turn();
        auto& entry = answer.activeProducers.add();
        entry.producerId = producer.producerId;
        entry.producerEpoch = producer.epoch;
        entry.lastSequence = producer.lastSequence;
        entry.lastTimestamp = producer.lastTimestamp.value();
        entry.coordinatorEpoch = producer.coordinatorEpoch;
        entry.currentTxnStartOffset = producer.transactionStart.value();
      }
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
