#include "engine/base/coroutine.h"
#include "server/kafka/duplicates.h"
#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

namespace cambium::kafka {

namespace {

using LogDir = DescribeLogDirsResponse::LogDir;

// Partitions of one topic, in an entry of its own that is made with the first of them.
class TopicEntry {
 public:
  TopicEntry(RequestContext& context, LogDir& dir, kj::Own<const Topic> topic)
      : context_(context), dir_(dir), topic_(kj::mv(topic)) {}

  kj::Promise<void> add(int32_t index) {
    constexpr size_t kBytesPerPartition = 128;
    auto status = co_await context_.broker().status({topic_->id(), index});
    if (!status.ok()) co_return;  // deleted meanwhile
    co_await context_.room.grow(Bytes(kBytesPerPartition));
    if (!begun_) {
      begun_ = true;
      dir_.topics.add().name = Text(kj::str(topic_->name()));
    }
    auto& answer = dir_.topics.back().partitions.add();
    answer.partitionIndex = index;
    answer.partitionSize = static_cast<int64_t>(status.value().bytes.value());
  }
  int32_t count() const { return topic_->partitionCount(); }

 private:
  RequestContext& context_;
  LogDir& dir_;
  kj::Own<const Topic> topic_;
  bool begun_ = false;
};

}  // namespace

kj::Promise<DescribeLogDirsResponse> handle(RequestContext& context, DescribeLogDirsRequest& request) {
  DescribeLogDirsResponse response;
  auto& dir = response.results.add();
  auto space = context.broker().deviceSpace();
  dir.logDir = Text(kj::mv(space.folder));
  dir.totalBytes = static_cast<int64_t>(space.total.value());
  dir.usableBytes = static_cast<int64_t>(space.available.value());
  WorkShare share(context.turns());
  KJ_IF_MAYBE(topics, request.topics) {
    NamedOnce<std::string_view, int32_t> named;
    for (auto& wanted : *topics) {
      auto topic = context.broker().topic(kj::str(wanted.topic));
      if (!topic.ok()) continue;
      TopicEntry entry(context, dir, kj::mv(topic.value()));
      for (auto index : wanted.partitions) {
        if (share.use(2)) co_await share.turn();
        if (index >= 0 && index < entry.count() && named.first(wanted.topic, index)) co_await entry.add(index);
      }
    }
    co_return kj::mv(response);
  }
  auto image = context.broker().image();
  for (auto& topic : image->topics()) {
    TopicEntry entry(context, dir, kj::atomicAddRef(*topic));
    for (int32_t i = 0; i < entry.count(); ++i) {
      if (share.use(2)) co_await share.turn();
      co_await entry.add(i);
    }
  }
  co_return kj::mv(response);
}

}  // namespace cambium::kafka
