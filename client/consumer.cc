#include "client/consumer.h"

#include <kj/debug.h>

#include "client/admin.h"
#include "client/partition_reader.h"

namespace cambium::client {

class Consumer::Impl final : private PartitionReader::Events {
 public:
  Impl(Connection& connection, ConsumerOptions options)
      : connection_(connection), timer_(connection.timer()), options_(kj::mv(options)), admin_(connection) {}
  KJ_DISALLOW_COPY(Impl);

  kj::Promise<Result<void>> assign(kj::Array<Assignment> assignments);
  kj::Promise<Result<void>> assignTopic(kj::String topic, StartAt start);
  kj::Promise<Result<ConsumedRecords>> poll(PollOptions options);
  kj::Promise<Result<void>> commit(kj::String metadata);
  Result<PartitionReader*> find(kj::StringPtr topic, PartitionIndex partition);
  kj::Array<PartitionPosition> positions() const;
  bool atEnd() const;
  void woken() { arrived(); }

 private:
  void arrived() override;
  void buffered(int64_t bytes) override;
  bool hasRoom() const override { return bufferedBytes_ < options_.prefetchBytesMax; }

  kj::Promise<Result<Offset>> startOf(kj::String topic, PartitionIndex partition, StartAt start);
  kj::Promise<Result<Offset>> find(kj::String topic, PartitionIndex partition, OffsetSpec spec);
  kj::Maybe<Error> takeRecords(ConsumedRecords& out, size_t recordsMax);

  Connection& connection_;
  kj::Timer& timer_;
  const ConsumerOptions options_;
  Admin admin_;
  uint64_t bufferedBytes_ = 0;
  size_t nextReader_ = 0;  // whose turn it is
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> arrival_;
  kj::Vector<kj::Own<PartitionReader>> readers_;  // last: they call back
};

// --- Assigning
// -------------------------------------------------------------------------------------------------------------

kj::Promise<Result<void>> Consumer::Impl::assign(kj::Array<Assignment> assignments) {
  auto starts = kj::heapArrayBuilder<kj::Promise<Result<Offset>>>(assignments.size());
  for (auto& assignment : assignments) {
    starts.add(startOf(kj::str(assignment.topic), assignment.partition, assignment.start));
  }
  auto found = co_await kj::joinPromises(starts.finish());
  for (auto& start : found) {
    if (!start.ok()) co_return kj::mv(start.error());
  }
  readers_.clear();
  bufferedBytes_ = 0;
  nextReader_ = 0;
  PartitionReader::Events& events = *this;
  for (size_t i = 0; i < assignments.size(); ++i) {
    readers_.add(kj::heap<PartitionReader>(connection_, options_, events, kj::mv(assignments[i].topic),
                                           assignments[i].partition, found[i].value()));
  }
  co_return Result<void>();
}

kj::Promise<Result<void>> Consumer::Impl::assignTopic(kj::String topic, StartAt start) {
  auto described = co_await admin_.describeTopic(kj::str(topic));
  if (!described.ok()) co_return kj::mv(described.error());
  auto assignments = kj::heapArrayBuilder<Assignment>(described.value().partitions.size());
  for (auto& partition : described.value().partitions) {
    assignments.add(Assignment{kj::str(topic), partition.index, start});
  }
  co_return co_await assign(assignments.finish());
}

kj::Promise<Result<Offset>> Consumer::Impl::find(kj::String topic, PartitionIndex partition, OffsetSpec spec) {
  auto found = co_await admin_.findOffset(kj::mv(topic), partition, kj::mv(spec));
  if (!found.ok()) co_return kj::mv(found.error());
  co_return found.value().offset;
}

kj::Promise<Result<Offset>> Consumer::Impl::startOf(kj::String topic, PartitionIndex partition, StartAt start) {
  if (start.is<Offset>()) co_return start.get<Offset>();
  if (start.is<FromBeginning>()) co_return co_await find(kj::mv(topic), partition, Earliest{});
  if (start.is<FromEnd>()) co_return co_await find(kj::mv(topic), partition, Latest{});
  if (start.is<FromTimestamp>()) {
    auto found = co_await find(kj::str(topic), partition, start.get<FromTimestamp>().timestamp);
    if (!found.ok() || found.value() != kNoOffset) co_return kj::mv(found);
    co_return co_await find(kj::mv(topic), partition, Latest{});
  }
  auto& committed = start.get<FromCommitted>();
  auto asked = kj::heapArrayBuilder<TopicPartition>(1);
  asked.add(TopicPartition{kj::str(topic), partition});
  auto offsets = co_await admin_.fetchOffsets(kj::str(options_.group), asked.finish());
  if (!offsets.ok()) co_return kj::mv(offsets.error());
  for (auto& offset : offsets.value()) {
    if (offset.offset != kNoOffset) co_return offset.offset;
  }
  if (committed.elseEnd) co_return co_await find(kj::mv(topic), partition, Latest{});
  co_return co_await find(kj::mv(topic), partition, Earliest{});
}

// --- Polling
// ---------------------------------------------------------------------------------------------------------------

void Consumer::Impl::arrived() {
  KJ_IF_MAYBE(fulfiller, arrival_) {
    (*fulfiller)->fulfill();
    arrival_ = nullptr;
  }
}

void Consumer::Impl::buffered(int64_t bytes) {
  bufferedBytes_ = static_cast<uint64_t>(static_cast<int64_t>(bufferedBytes_) + bytes);
  if (bytes >= 0) return;
  for (auto& reader : readers_)
    reader->wake();
}

// Shares of equal size first, then whatever there is, beginning with another partition each time.
kj::Maybe<Error> Consumer::Impl::takeRecords(ConsumedRecords& out, size_t recordsMax) {
  size_t withRecords = 0;
  for (auto& reader : readers_) {
    if (reader->hasChunks() && !reader->paused) ++withRecords;
  }
  size_t first = nextReader_++;
  size_t share = kj::max(recordsMax / kj::max(withRecords, size_t{1}), size_t{1});
  for (size_t pass = 0; pass < 2; ++pass) {
    for (size_t i = 0; i < readers_.size() && out.size() < recordsMax; ++i) {
      auto& reader = *readers_[(first + i) % readers_.size()];
      if (reader.paused) continue;
      reader.take(out, kj::min(pass == 0 ? share : recordsMax, recordsMax - out.size()));
    }
  }
  if (!out.empty()) return nullptr;  // the next poll tells of errors
  for (auto& reader : readers_) {
    KJ_IF_MAYBE(error, reader->takeError()) return kj::mv(*error);
  }
  return nullptr;
}

kj::Promise<Result<ConsumedRecords>> Consumer::Impl::poll(PollOptions options) {
  auto deadline = timer_.now() + options.waitMsMax * kj::MILLISECONDS;
  ConsumedRecords out;
  while (true) {
    KJ_IF_MAYBE(error, takeRecords(out, kj::max(options.recordsMax, size_t{1}))) co_return kj::mv(*error);
    bool enough = !out.empty() || timer_.now() >= deadline || (options.returnAtEnd && atEnd());
    if (enough) co_return kj::mv(out);
    auto paf = kj::newPromiseAndFulfiller<void>();
    arrival_ = kj::mv(paf.fulfiller);
    co_await paf.promise.exclusiveJoin(timer_.atTime(deadline));
  }
}

kj::Promise<Result<void>> Consumer::Impl::commit(kj::String metadata) {
  if (options_.group.size() == 0) {
    co_return makeError(ErrorCode::kInvalidGroupId, "commit() needs a consumer group (ConsumerOptions::group)");
  }
  auto offsets = kj::heapArrayBuilder<GroupOffset>(readers_.size());
  for (auto& reader : readers_) {
    auto position = reader->position();
    offsets.add(GroupOffset{.topic = kj::str(position.topic),
                            .partition = position.partition,
                            .offset = position.position,
                            .leaderEpoch = kNoLeaderEpoch,
                            .metadata = kj::str(metadata),
                            .committedAt = kNoTimestamp});
  }
  co_return co_await admin_.commitOffsets(kj::str(options_.group), offsets.finish());
}

Result<PartitionReader*> Consumer::Impl::find(kj::StringPtr topic, PartitionIndex partition) {
  for (auto& reader : readers_) {
    if (reader->topic() == topic && reader->partition() == partition) return reader.get();
  }
  return makeError(ErrorCode::kUnknownTopicOrPartition, topic, "-", partition, " is not assigned to this consumer");
}

kj::Array<PartitionPosition> Consumer::Impl::positions() const {
  auto positions = kj::heapArrayBuilder<PartitionPosition>(readers_.size());
  for (auto& reader : readers_)
    positions.add(reader->position());
  return positions.finish();
}

bool Consumer::Impl::atEnd() const {
  for (auto& reader : readers_) {
    auto position = reader->position();
    if (!position.paused && !position.failed && !position.atEnd()) return false;
  }
  return readers_.size() > 0;
}

// --- The door
// --------------------------------------------------------------------------------------------------------------

Consumer::Consumer(Connection& connection, ConsumerOptions options)
    : impl_(kj::heap<Impl>(connection, kj::mv(options))) {}

Consumer::~Consumer() noexcept(false) = default;

kj::Promise<Result<void>> Consumer::assign(kj::Array<Assignment> assignments) {
  return impl_->assign(kj::mv(assignments));
}

kj::Promise<Result<void>> Consumer::assignTopic(kj::String topic, StartAt start) {
  return impl_->assignTopic(kj::mv(topic), kj::mv(start));
}

kj::Promise<Result<ConsumedRecords>> Consumer::poll(PollOptions options) {
  return impl_->poll(options);
}

kj::Promise<Result<void>> Consumer::commit(kj::String metadata) {
  return impl_->commit(kj::mv(metadata));
}

Result<void> Consumer::seek(kj::StringPtr topic, PartitionIndex partition, Offset offset) {
  auto reader = impl_->find(topic, partition);
  if (!reader.ok()) return kj::mv(reader.error());
  reader.value()->seek(offset);
  return {};
}

Result<void> Consumer::pause(kj::StringPtr topic, PartitionIndex partition) {
  auto reader = impl_->find(topic, partition);
  if (!reader.ok()) return kj::mv(reader.error());
  reader.value()->paused = true;
  return {};
}

Result<void> Consumer::resume(kj::StringPtr topic, PartitionIndex partition) {
  auto reader = impl_->find(topic, partition);
  if (!reader.ok()) return kj::mv(reader.error());
  reader.value()->paused = false;
  impl_->woken();
  return {};
}

kj::Array<PartitionPosition> Consumer::positions() const {
  return impl_->positions();
}

bool Consumer::atEnd() const {
  return impl_->atEnd();
}

}  // namespace cambium::client
