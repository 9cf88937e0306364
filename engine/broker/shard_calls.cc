#include "engine/broker/shard_calls.h"

#include "engine/base/coroutine.h"

namespace cambium {

Error noPartition(PartitionKey key) {
  return makeError(ErrorCode::kUnknownTopicOrPartition, "there is no partition ", key.index, " of the topic with id ",
                   key.topic, "; it was deleted, or never made");
}

Error noTopic(kj::StringPtr name) {
  return makeError(ErrorCode::kUnknownTopicOrPartition, "there is no topic named ", name,
                   "; `cambium topic list` shows those there are");
}

Result<void> checkPartition(const MetadataImage& image, kj::StringPtr name, int32_t partition) {
  KJ_IF_MAYBE(topic, image.find(name)) {
    if (partition >= 0 && partition < topic->partitionCount()) return Result<void>();
    return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", name, " has partitions 0 to ",
                     topic->partitionCount() - 1, ", not ", partition);
  }
  return noTopic(name);
}

kj::Promise<Result<AppendOutcome>> appendHere(Shard& shard, PartitionKey key, kj::ArrayPtr<kj::byte> batches,
                                              Acks acks) {
  kj::Own<Partition> partition;
  KJ_IF_MAYBE(found, shard.find(key)) {
    partition = kj::mv(*found);
  } else {
    co_return Result<AppendOutcome>(noPartition(key));
  }
  auto admitted = shard.disk().admit(batches.size());
  if (!admitted.ok()) {
    partition->countRefusal();
    admitted.error().message = kj::str("partition ", partition->name(), ": ", admitted.error().message);
    co_return Result<AppendOutcome>(kj::mv(admitted.error()));
  }
  auto done = partition->appendNow(batches);
  if (done == nullptr) done = co_await partition->appendLater(kj::heapArray<kj::byte>(batches));
  auto& appended = KJ_ASSERT_NONNULL(done);
  if (appended.ok() && acks != Acks::kAll) partition->noteAcknowledged(appended.value().nextOffset);
  if (appended.ok() && acks == Acks::kAll) {
    auto committed = co_await partition->whenCommitted(appended.value().nextOffset);
    if (!committed.ok()) co_return Result<AppendOutcome>(kj::mv(committed.error()));
  }
  co_return kj::mv(appended);
}

kj::Promise<Result<OffsetFound>> findOffsetHere(Shard& shard, PartitionKey key, OffsetQuery query) {
  kj::Own<Partition> partition;
  KJ_IF_MAYBE(found, shard.find(key)) {
    partition = kj::mv(*found);
  } else {
    co_return Result<OffsetFound>(noPartition(key));
  }
  if (query.kind != OffsetQuery::Kind::kEarliest) co_await partition->whenAcknowledgedReadable();
  co_return partition->findOffset(query);
}

kj::Promise<Result<Offset>> deleteRecordsHere(Shard& shard, PartitionKey key, Offset before) {
  kj::Own<Partition> partition;
  KJ_IF_MAYBE(found, shard.find(key)) {
    partition = kj::mv(*found);
  } else {
    co_return Result<Offset>(noPartition(key));
  }
  if (before == kNoOffset || before > partition->highWatermark()) co_await partition->whenAcknowledgedReadable();
  while (partition->holdsAppends())
    co_await partition->whenReleased();
  co_return partition->deleteRecords(before);
}

Result<PartitionStatus> statusHere(Shard& shard, PartitionKey key) {
  KJ_IF_MAYBE(partition, shard.find(key)) {
    auto status = (*partition)->status();
    status.move = shard.moveStatus(key);
    return kj::mv(status);
  }
  return noPartition(key);
}

kj::Promise<kj::Vector<Result<ReadOutcome>>> readPartsHere(Shard& shard, kj::ArrayPtr<const FetchWish::Part> parts,
                                                           Bytes bytesMax) {
  // A read costs as much as to copy some hundred KiB per unit.
  constexpr size_t kUnitsPerRead = 3;
  constexpr size_t kBytesPerUnit = 4 << 10;
  WorkShare share(shard.turns());
  kj::Vector<Result<ReadOutcome>> outcomes(parts.size());
  uint64_t left = bytesMax.value();
  bool first = true;  // nothing was found yet: a batch larger than the limits is let through
  for (auto& part : parts) {
    if (share.use(kUnitsPerRead)) co_await share.turn();
    KJ_IF_MAYBE(partition, shard.find(part.key)) {
      uint64_t limit = kj::min(left, part.bytesMax.value());
      auto outcome = (*partition)->read(part.from, Bytes(first ? kj::max(limit, uint64_t{1}) : limit), part.lastEpoch);
      if (outcome.ok()) {
        auto& read = outcome.value();
        share.use(read.batches.size() / kBytesPerUnit);
        if (!first && read.batches.size() > limit) {
          read.batches = nullptr;
          read.nextOffset = part.from;
        }
        if (read.batches.size() > 0) first = false;
        left -= kj::min(left, read.batches.size());
      }
      outcomes.add(kj::mv(outcome));
    } else {
      outcomes.add(noPartition(part.key));
    }
  }
  co_return kj::mv(outcomes);
}

kj::Promise<void> whenAnyReadableHere(Shard& shard, kj::Vector<FetchWish::Part> parts) {
  auto paf = kj::newPromiseAndFulfiller<void>();
  struct Watch {
    kj::Own<Partition> partition;
    kj::Promise<void> readable;
  };
  kj::Vector<Watch> watches(parts.size());
  WorkShare share(shard.turns());
  for (auto& part : parts) {
    if (share.use()) co_await share.turn();
    KJ_IF_MAYBE(partition, shard.find(part.key)) {
      auto readable = (*partition)->whenReadable(part.from);
      watches.add(
          Watch{kj::mv(*partition),
                readable.then([&done = *paf.fulfiller] { done.fulfill(); }).eagerlyEvaluate([](kj::Exception&&) {})});
    } else {
      co_return;
    }
  }
  co_await paf.promise;
}

}  // namespace cambium
