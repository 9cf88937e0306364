#include <set>

#include "engine/base/coroutine.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using LogDir = DescribeLogDirsResponse::LogDir;

struct Which {
  kj::Own<const Topic> topic;
  int32_t partition;
};

// The partitions asked for that exist, or all of them.
kj::Vector<Which> partitionsOf(RequestContext& context, const DescribeLogDirsRequest& request) {
  kj::Vector<Which> all;
  KJ_IF_MAYBE(topics, request.topics) {
    for (auto& wanted : *topics) {
      auto topic = context.broker().topic(kj::str(wanted.topic));
      if (!topic.ok()) continue;
      std::set<int32_t> indexes;
      for (auto index : wanted.partitions)
        indexes.insert(index);
      for (auto index : indexes) {
        if (index >= 0 && index < topic.value()->partitionCount()) {
          all.add(Which{kj::atomicAddRef(*topic.value()), index});
        }
      }
    }
    return all;
  }
  auto image = context.broker().image();
  for (auto& topic : image->topics())
    for (int32_t i = 0; i < topic->partitionCount(); ++i)
      all.add(Which{kj::atomicAddRef(*topic), i});
  return all;
}

}  // namespace

kj::Promise<DescribeLogDirsResponse> handle(RequestContext& context, DescribeLogDirsRequest& request) {
  DescribeLogDirsResponse response;
  auto& dir = response.results.add();
  auto space = context.broker().deviceSpace();
  dir.logDir = Text(kj::mv(space.folder));
  dir.totalBytes = static_cast<int64_t>(space.total.value());
  dir.usableBytes = static_cast<int64_t>(space.available.value());
  LogDir::Topic* answers = nullptr;
  for (auto& which : partitionsOf(context, request)) {
    auto status = co_await context.broker().status({which.topic->id(), which.partition});
    if (!status.ok()) continue;  // deleted meanwhile
    if (answers == nullptr || answers->name.view() != std::string_view(which.topic->name().cStr())) {
      answers = &dir.topics.add();
      answers->name = Text(kj::str(which.topic->name()));
    }
    auto& answer = answers->partitions.add();
    answer.partitionIndex = which.partition;
    answer.partitionSize = static_cast<int64_t>(status.value().bytes.value());
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
