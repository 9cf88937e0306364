#include <map>

#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"
#include "server/kafka/topic_lookup.h"

namespace cambium::kafka {

namespace {

// Whether a partition may be in a folder: there is one, and every partition is in it already.
int16_t codeOf(const Result<kj::Own<const Topic>>& topic, int32_t partition, bool isOurs) {
  if (!isOurs) return wire_code::kLogDirNotFound;
  if (!topic.ok()) return wireCode(topic.error().code);
  auto found = checkPartition(*topic.value(), partition);
  return found.ok() ? kNoError : wireCode(found.error().code);
}

}  // namespace

// A broker has one log directory, so a partition that is asked to be there is there, and no other directory exists.
kj::Promise<AlterReplicaLogDirsResponse> handle(RequestContext& context, AlterReplicaLogDirsRequest& request) {
  // One answer for each topic and partition; as with Kafka the last directory that names it counts.
  std::map<std::string_view, std::map<int32_t, int16_t>> codes;
  auto own = context.broker().deviceSpace().folder;
  for (auto& dir : request.dirs) {
    bool isOurs = dir.path.view() == std::string_view(own.begin(), own.size());
    for (auto& wanted : dir.topics) {
      auto topic = findTopic(context.broker(), false, wanted.name, Uuid());
      for (auto partition : wanted.partitions)
        codes[wanted.name.view()][partition] = codeOf(topic, partition, isOurs);
    }
  }
  AlterReplicaLogDirsResponse response;
  for (auto& [name, partitions] : codes) {
    auto& answers = response.results.add();
    answers.topicName = name;
    for (auto& [index, code] : partitions) {
      auto& answer = answers.partitions.add();
      answer.partitionIndex = index;
      answer.errorCode = code;
    }
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
