#include "bench/pair_partition.h"

#include <cstring>

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium::bench {

namespace {

constexpr size_t kMemoryBytes = 1 << 20;

class PairAppender final : public rpc::Appender::Server {
 protected:
  kj::Promise<void> append(AppendContext context) override {
    // Asking for the size is what makes a receiver look at the message at all.
    bytes_ += context.getParams().getBatches().size();
    return kj::READY_NOW;
  }
  kj::Promise<void> flush(FlushContext context) override {
    context.getResults().initAppended().setNextOffset(static_cast<int64_t>(bytes_));
    return kj::READY_NOW;
  }

 private:
  uint64_t bytes_ = 0;
};

class PairSubscription final : public rpc::Subscription::Server {
 public:
  explicit PairSubscription(kj::Promise<void> pushing)
      : pushing_(pushing.eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "a push failed", e); })) {}

 private:
  kj::Promise<void> pushing_;
};

}  // namespace

PairPartition::PairPartition(Bytes batch, uint64_t count) : count_(count) {
  BatchSource source(batch);
  batchBytes_ = source.batchBytes();
  records_ = source.records();
  memory_ = kj::heapArray<kj::byte>(kj::max(kMemoryBytes / batchBytes_, size_t{1}) * batchBytes_);
  for (size_t at = 0; at < memory_.size(); at += batchBytes_)
    memcpy(memory_.begin() + at, source.next().begin(), batchBytes_);
}

ByteView PairPartition::batches(uint64_t bytesMax) const {
  uint64_t whole = kj::max(bytesMax / batchBytes_, uint64_t{1}) * batchBytes_;
  return memory_.slice(0, kj::min(whole, memory_.size()));
}

int64_t PairPartition::behind(int64_t from, ByteView batches) const {
  return from + static_cast<int64_t>(batches.size() / batchBytes_) * records_;
}

kj::Promise<void> PairPartition::append(AppendContext context) {
  context.getResults().initAppended().setNextOffset(context.getParams().getRecords().size());
  return kj::READY_NOW;
}

kj::Promise<void> PairPartition::appendBatches(AppendBatchesContext context) {
  context.getResults().initAppended().setNextOffset(static_cast<int64_t>(context.getParams().getBatches().size()));
  return kj::READY_NOW;
}

kj::Promise<void> PairPartition::openAppender(OpenAppenderContext context) {
  context.getResults().setAppender(kj::heap<PairAppender>());
  return kj::READY_NOW;
}

kj::Promise<void> PairPartition::read(ReadContext context) {
  auto request = context.getParams().getRequest();
  auto found = batches(request.getBytesMax());
  auto next = behind(request.getFrom(), found);
  auto chunk = context.getResults(capnp::MessageSize{found.size() / 8 + 32, 0}).initChunk();
  chunk.setBatches(found);
  chunk.setNextOffset(next);
  chunk.setHighWatermark(end());
  return kj::READY_NOW;
}

kj::Promise<void> PairPartition::subscribe(SubscribeContext context) {
  auto params = context.getParams();
  context.getResults().setSubscription(
      kj::heap<PairSubscription>(push(params.getSink(), params.getFrom(), params.getOptions().getBytesPerPush())));
  return kj::READY_NOW;
}

kj::Promise<void> PairPartition::push(rpc::RecordSink::Client sink, int64_t from, uint64_t bytesPerPush) {
  while (from < end()) {
    auto found = batches(bytesPerPush);
    from = behind(from, found);
    auto request = sink.pushRequest(capnp::MessageSize{found.size() / 8 + 32, 0});
    auto delivery = request.initDelivery();
    delivery.setBatches(found);
    delivery.setNextOffset(from);
    delivery.setHighWatermark(end());
    co_await request.send();
  }
}

}  // namespace cambium::bench
