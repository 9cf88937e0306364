#include "tests/unit/client/fake_broker.h"

#include <capnp/rpc-twoparty.h>
#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/record/batch_builder.h"
#include "engine/record/recompress.h"
#include "engine/record/record_reader.h"

namespace cambium::client {
namespace {

std::string text(capnp::Text::Reader t) {
  return {t.cStr(), t.size()};
}

void setError(rpc::Error::Builder error, rpc::ErrorCode code, kj::StringPtr message) {
  error.setCode(code);
  error.setMessage(message);
}

class FakePartition final : public rpc::Partition::Server {
 public:
  FakePartition(FakeBroker& broker, std::string topic, int32_t index)
      : broker_(broker), topic_(std::move(topic)), index_(index) {}

  kj::Promise<void> appendBatches(AppendBatchesContext context) override {
    context.allowCancellation();  // so that a call which is never answered ends with its connection
    auto params = context.getParams();
    auto results = context.getResults();
    return broker_.answerAppend(topic_, index_, params.getBatches(), params.getAcks(), results.initError(),
                                results.initAppended());
  }

  kj::Promise<void> read(ReadContext context) override {
    context.allowCancellation();
    ++broker_.reads;
    auto request = context.getParams().getRequest();
    broker_.readFrom.push_back(request.getFrom());
    auto* partition = find();
    if (partition != nullptr && request.getFrom() == partition->end && request.getWaitMsMax() > 0) {
      auto paf = kj::newPromiseAndFulfiller<void>();
      partition->readers.push_back(kj::mv(paf.fulfiller));
      co_await paf.promise.exclusiveJoin(broker_.timer().afterDelay(request.getWaitMsMax() * kj::MILLISECONDS));
      partition = find();
    }
    auto results = context.getResults();
    if (partition == nullptr) {
      setError(results.initError(), rpc::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "there is no such topic");
      co_return;
    }
    if (request.getFrom() > partition->end || request.getFrom() < partition->logStart) {
      setError(results.initError(), rpc::ErrorCode::OFFSET_OUT_OF_RANGE, "outside the log");
      co_return;
    }
    auto bytes = collect(*partition, request.getFrom(), request.getBytesMax());
    if (broker_.damagedReads && bytes.size() > 70) bytes[70] ^= 1;
    auto chunk = results.initChunk();
    chunk.setBatches(bytes);
    chunk.setHighWatermark(partition->end);
    chunk.setLogStart(partition->logStart);
    chunk.setNextOffset(next_);
  }

  kj::Promise<void> subscribe(SubscribeContext context) override;

  kj::Promise<void> findOffset(FindOffsetContext context) override {
    auto results = context.getResults();
    auto* partition = find();
    if (partition == nullptr) {
      setError(results.initError(), rpc::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "there is no such topic");
      return kj::READY_NOW;
    }
    auto position = context.getParams().getPosition();
    int64_t offset = partition->logStart;
    if (position.isLatest()) offset = partition->end;
    if (position.isTimestamp()) {
      offset = -1;
      for (auto& batch : partition->batches) {
        auto view = KJ_ASSERT_NONNULL(BatchView::first(batch));
        if (offset < 0 && view.maxTimestamp().value() >= position.getTimestamp()) offset = view.baseOffset().value();
      }
    }
    results.initFound().setOffset(offset);
    return kj::READY_NOW;
  }

  FakeBroker::Partition* find() {
    auto topic = broker_.topics.find(topic_);
    if (topic == broker_.topics.end() || static_cast<size_t>(index_) >= topic->second.partitions.size()) return nullptr;
    return &topic->second.partitions[index_];
  }

  // Whole batches from `from` on, at least one; leaves where to go on in next_.
  kj::Array<kj::byte> collect(FakeBroker::Partition& partition, int64_t from, size_t bytesMax) {
    kj::Vector<kj::byte> bytes;
    next_ = from;
    for (auto& batch : partition.batches) {
      auto view = KJ_ASSERT_NONNULL(BatchView::first(batch));
      if (view.nextOffset().value() <= from) continue;
      if (bytes.size() > 0 && bytes.size() + batch.size() > bytesMax) break;
      bytes.addAll(batch);
      next_ = view.nextOffset().value();
    }
    return bytes.releaseAsArray();
  }

  FakeBroker& broker_;
  const std::string topic_;
  const int32_t index_;
  int64_t next_ = 0;
};

class FakeSubscription final : public rpc::Subscription::Server, private kj::TaskSet::ErrorHandler {
 public:
  FakeSubscription(kj::Own<FakePartition> partition, rpc::RecordSink::Client sink, int64_t from, uint32_t bytes)
      : partition_(kj::mv(partition)), sink_(kj::mv(sink)), next_(from), bytes_(bytes), tasks_(*this) {
    tasks_.add(run());
  }

  kj::Promise<void> position(PositionContext context) override {
    context.getResults().setNextOffset(next_);
    context.getResults().setHighWatermark(
        KJ_ASSERT_NONNULL(kj::Maybe<FakeBroker::Partition&>(*partition_->find())).end);
    return kj::READY_NOW;
  }

 private:
  void taskFailed(kj::Exception&&) override {}
  kj::Promise<void> run() {
    while (auto* partition = partition_->find()) {
      if (next_ >= partition->end) {
        auto paf = kj::newPromiseAndFulfiller<void>();
        partition->readers.push_back(kj::mv(paf.fulfiller));
        co_await paf.promise;
        continue;
      }
      auto bytes = partition_->collect(*partition, next_, bytes_);
      next_ = partition_->next_;
      auto request = sink_.pushRequest();
      auto delivery = request.initDelivery();
      delivery.setBatches(bytes);
      delivery.setHighWatermark(partition->end);
      delivery.setNextOffset(next_);
      ++partition_->broker_.pushes;
      co_await request.send();
    }
    auto done = sink_.doneRequest();
    setError(done.initError(), rpc::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "the topic was deleted");
    co_await done.send();
  }

  kj::Own<FakePartition> partition_;
  rpc::RecordSink::Client sink_;
  int64_t next_;
  uint32_t bytes_;
  kj::TaskSet tasks_;
};

kj::Promise<void> FakePartition::subscribe(SubscribeContext context) {
  auto params = context.getParams();
  auto partition = kj::heap<FakePartition>(broker_, topic_, index_);
  context.getResults().setSubscription(kj::heap<FakeSubscription>(kj::mv(partition), params.getSink(), params.getFrom(),
                                                                  params.getOptions().getBytesPerPush()));
  return kj::READY_NOW;
}

class FakeTopic final : public rpc::Topic::Server {
 public:
  FakeTopic(FakeBroker& broker, std::string name) : broker_(broker), name_(std::move(name)) {}

  kj::Promise<void> describe(DescribeContext context) override {
    auto topic = context.getResults().initTopic();
    topic.setName(name_.c_str());
    auto list = topic.initPartitions(static_cast<kj::uint>(broker_.topics[name_].partitions.size()));
    for (kj::uint i = 0; i < list.size(); ++i)
      list[i].setIndex(static_cast<int32_t>(i));
    return kj::READY_NOW;
  }
  kj::Promise<void> partition(PartitionContext context) override {
    auto index = context.getParams().getIndex();
    if (static_cast<size_t>(index) >= broker_.topics[name_].partitions.size()) {
      setError(context.getResults().initError(), rpc::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "no such partition");
    } else {
      context.getResults().setPartition(kj::heap<FakePartition>(broker_, name_, index));
    }
    return kj::READY_NOW;
  }

 private:
  FakeBroker& broker_;
  const std::string name_;
};

class FakeGroup final : public rpc::Group::Server {
 public:
  FakeGroup(FakeBroker& broker, std::string group) : broker_(broker), group_(std::move(group)) {}

  kj::Promise<void> commit(CommitContext context) override {
    for (auto offset : context.getParams().getOffsets()) {
      broker_.committed[key(offset.getTopic(), offset.getPartition())] = offset.getOffset();
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> fetch(FetchContext context) override {
    auto asked = context.getParams().getPartitions();
    auto list = context.getResults().initOffsets(asked.size());
    for (kj::uint i = 0; i < asked.size(); ++i) {
      list[i].setTopic(asked[i].getTopic());
      list[i].setPartition(asked[i].getPartition());
      auto found = broker_.committed.find(key(asked[i].getTopic(), asked[i].getPartition()));
      if (found != broker_.committed.end()) list[i].setOffset(found->second);
    }
    return kj::READY_NOW;
  }

 private:
  std::string key(capnp::Text::Reader topic, int32_t partition) {
    return group_ + "/" + text(topic) + "/" + std::to_string(partition);
  }
  FakeBroker& broker_;
  const std::string group_;
};

class FakeAdmin final : public rpc::Admin::Server {
 public:
  explicit FakeAdmin(FakeBroker& broker) : broker_(broker) {}

  kj::Promise<void> createTopic(CreateTopicContext context) override {
    auto params = context.getParams();
    auto results = context.getResults();
    if (broker_.topics.contains(text(params.getName()))) {
      setError(results.initError(), rpc::ErrorCode::TOPIC_ALREADY_EXISTS, "the topic exists");
      return kj::READY_NOW;
    }
    broker_.addTopic(params.getName().cStr(), params.getPartitions());
    results.initTopic().setName(params.getName());
    results.getTopic().setPartitions(params.getPartitions());
    return kj::READY_NOW;
  }

 private:
  FakeBroker& broker_;
};

class FakeBrokerCapability final : public rpc::Broker::Server {
 public:
  explicit FakeBrokerCapability(FakeBroker& broker) : broker_(broker) {}

  kj::Promise<void> topic(TopicContext context) override {
    auto name = text(context.getParams().getName());
    if (!broker_.topics.contains(name)) {
      setError(context.getResults().initError(), rpc::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "there is no such topic");
    } else {
      context.getResults().setTopic(kj::heap<FakeTopic>(broker_, name));
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> group(GroupContext context) override {
    auto group = text(context.getParams().getName());
    if (group.empty()) {
      setError(context.getResults().initError(), rpc::ErrorCode::INVALID_GROUP_ID, "the group has no name");
    } else {
      context.getResults().setGroup(kj::heap<FakeGroup>(broker_, group));
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> admin(AdminContext context) override {
    context.getResults().setAdmin(kj::heap<FakeAdmin>(broker_));
    return kj::READY_NOW;
  }

 private:
  FakeBroker& broker_;
};

class FakeGate final : public rpc::Gate::Server {
 public:
  explicit FakeGate(FakeBroker& broker) : broker_(broker) {}

  kj::Promise<void> anonymous(AnonymousContext context) override {
    if (broker_.rejecting) {
      setError(context.getResults().initError(), rpc::ErrorCode::CLUSTER_AUTHORIZATION_FAILED, "members only");
    } else {
      context.getResults().setBroker(kj::heap<FakeBrokerCapability>(broker_));
    }
    return kj::READY_NOW;
  }

 private:
  FakeBroker& broker_;
};

class FakeAddress final : public kj::NetworkAddress {
 public:
  explicit FakeAddress(FakeBroker& broker) : broker_(broker) {}

  kj::Promise<kj::Own<kj::AsyncIoStream>> connect() override {
    if (broker_.down) return KJ_EXCEPTION(DISCONNECTED, "connect(): Connection refused");
    return broker_.accept();
  }
  kj::Own<kj::ConnectionReceiver> listen() override { KJ_UNIMPLEMENTED("not here"); }
  kj::Own<kj::NetworkAddress> clone() override { return kj::heap<FakeAddress>(broker_); }
  kj::String toString() override { return kj::str("fake"); }

 private:
  FakeBroker& broker_;
};

}  // namespace

struct FakeBroker::Connection {
  Connection(FakeBroker& broker, kj::Own<kj::AsyncIoStream> s)
      : stream(kj::mv(s)),
        network(*stream, capnp::rpc::twoparty::Side::SERVER),
        system(capnp::makeRpcServer(network, capnp::Capability::Client(kj::heap<FakeGate>(broker)))) {}
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;
};

FakeBroker::FakeBroker(kj::Timer& timer) : timer_(timer) {}
FakeBroker::~FakeBroker() noexcept(false) = default;

void FakeBroker::addTopic(const char* name, int partitions) {
  topics[name].partitions.resize(partitions);
}

kj::Own<kj::AsyncIoStream> FakeBroker::accept() {
  ++connections;
  auto pipe = kj::newTwoWayPipe();
  connections_.add(kj::heap<Connection>(*this, kj::mv(pipe.ends[0])));
  return kj::mv(pipe.ends[1]);
}

void FakeBroker::cut() {
  connections_.clear();
}

void FakeBroker::release() {
  for (auto& held : held_)
    held->fulfill();
  held_.clear();
}

void FakeBroker::store(Partition& partition, capnp::Data::Reader batch) {
  auto bytes = kj::heapArray<kj::byte>(batch);
  stampBatch(bytes, Offset(partition.end), LeaderEpoch(0));
  partition.end = KJ_ASSERT_NONNULL(BatchView::first(bytes)).nextOffset().value();
  partition.batches.push_back(kj::mv(bytes));
  for (auto& reader : partition.readers)
    reader->fulfill();
  partition.readers.clear();
}

int64_t FakeBroker::append(const char* topic, int partition, const std::vector<std::string>& values) {
  auto& p = topics[topic].partitions.at(partition);
  BatchBuilder builder;
  for (auto& value : values) {
    builder.add(TimestampMs(p.end), nullptr, kj::StringPtr(value.c_str(), value.size()).asBytes());
  }
  int64_t base = p.end;
  store(p, builder.finish().asPtr());
  return base;
}

std::vector<std::string> valuesOf(ByteView batches) {
  std::vector<std::string> values;
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next()) {
    KJ_ASSERT(batch->crcMatches());
    RecordReader reader(*batch);
    while (auto* record = reader.next()) {
      auto value = record->value.orDefault(nullptr);
      values.emplace_back(reinterpret_cast<const char*>(value.begin()), value.size());
    }
    KJ_ASSERT(reader.error() == nullptr);
  }
  return values;
}

std::vector<std::string> FakeBroker::values(const char* topic, int partition) {
  std::vector<std::string> all;
  for (auto& batch : topics[topic].partitions.at(partition).batches) {
    for (auto& value : valuesOf(batch))
      all.push_back(value);
  }
  return all;
}

kj::Promise<void> FakeBroker::answerAppend(const std::string& topic, int32_t index, capnp::Data::Reader batches,
                                           rpc::Acks acks, rpc::Error::Builder error, rpc::Appended::Builder appended) {
  auto outcome = always;
  if (!script.empty()) {
    outcome = script.front();
    script.erase(script.begin());
  }
  bool accepted = outcome == Outcome::kAccept || outcome == Outcome::kAcceptAndCut || outcome == Outcome::kAcceptLater;
  auto view = KJ_ASSERT_NONNULL(BatchView::first(batches));
  appends.push_back({topic, index, valuesOf(batches), acks, timer_.now(), static_cast<int>(view.codec()), accepted});
  if (accepted) {
    auto& partition = topics[topic].partitions.at(index);
    appended.setBaseOffset(partition.end);
    store(partition, batches);
    appended.setNextOffset(partition.end);
  }
  switch (outcome) {
    case Outcome::kAccept:
      co_return;
    case Outcome::kRefuse:
      setError(error, rpc::ErrorCode::KAFKA_STORAGE_ERROR, "the disk is full");
      co_return;
    case Outcome::kTooLarge:
      setError(error, rpc::ErrorCode::MESSAGE_TOO_LARGE, "the batch is too large");
      co_return;
    case Outcome::kOverloaded:
      kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "too busy"));
    case Outcome::kHang:
      co_await kj::Promise<void>(kj::NEVER_DONE);
      co_return;
    case Outcome::kCut:
    case Outcome::kAcceptAndCut:
      // Not from inside the call: it belongs to the connection.
      cutting_ = kj::evalLater([this] { cut(); }).eagerlyEvaluate(nullptr);
      co_await kj::Promise<void>(kj::NEVER_DONE);
      co_return;
    case Outcome::kAcceptLater: {
      auto paf = kj::newPromiseAndFulfiller<void>();
      held_.push_back(kj::mv(paf.fulfiller));
      co_await paf.promise;
      co_return;
    }
  }
}

kj::Promise<kj::Own<kj::NetworkAddress>> FakeNetwork::parseAddress(kj::StringPtr, kj::uint) {
  return kj::Own<kj::NetworkAddress>(kj::heap<FakeAddress>(broker_));
}

}  // namespace cambium::client
