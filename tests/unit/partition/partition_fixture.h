#pragma once

#include <gtest/gtest.h>
#include <string>

#include "engine/partition/partition.h"
#include "engine/record/batch_builder.h"
#include "engine/storage/memory_engine.h"
#include "tests/support/virtual_world.h"

namespace cambium {

// A partition over the memory engine on virtual time. Syncs run at once, unless `pool` holds them.
class PartitionTest : public ::testing::Test {
 public:
  ~PartitionTest() noexcept override = default;

 protected:
  void open(PartitionConfig config = {}) {
    partition = nullptr;
    auto log = engine->open({kj::str("words-0"), Uuid()}, config.log);
    ProducerTable table(*engine);
    auto producers = ProducerKeeper::recover({kj::str("words-0"), Uuid()}, *log, table, producerLimits, clock.now());
    KJ_IF_MAYBE(row, producers->correction()) table.commit({row, 1});
    partition = kj::refcounted<Partition>(kj::str("words-0"), kj::mv(log), kj::mv(producers), kj::mv(config), epoch,
                                          PartitionContext{pool, timer, clock, metrics, checkPool});
  }
  static PartitionConfig with(Durability durability, int64_t flushMs = 1000) {
    PartitionConfig config;
    config.durability = durability;
    config.flushMs = flushMs;
    return config;
  }

  struct Record {
    std::string value;
    int64_t timestamp = 1000;
    bool hasKey = true;
  };
  static kj::Array<kj::byte> batchOf(const std::vector<Record>& records, Codec codec = Codec::kNone) {
    BatchBuilder builder({.codec = codec});
    for (auto& record : records) {
      auto bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(record.value.data()), record.value.size());
      kj::Maybe<ByteView> key;
      if (record.hasKey) key = bytes;
      builder.add(TimestampMs(record.timestamp), key, ByteView(bytes));
    }
    return builder.finish();
  }
  Result<AppendOutcome> tryAppend(const std::vector<Record>& records, Codec codec = Codec::kNone) {
    auto batch = batchOf(records, codec);
    return partition->append(batch);
  }
  // A batch of an idempotent producer with so many records.
  struct Sent {
    int64_t producer = 7;
    int32_t sequence = 0;
    int records = 1;
    int16_t epoch = 0;
    int64_t timestamp = 1000;
    Codec codec = Codec::kNone;
    size_t valueBytes = 1;
  };
  static kj::Array<kj::byte> batchOf(const Sent& sent) {
    BatchBuilder builder(
        {.codec = sent.codec, .producerId = sent.producer, .producerEpoch = sent.epoch, .baseSequence = sent.sequence});
    std::string value(sent.valueBytes, 'x');
    auto bytes = kj::StringPtr(value.c_str()).asBytes();
    for (int i = 0; i < sent.records; ++i)
      builder.add(TimestampMs(sent.timestamp), ByteView(bytes), ByteView(bytes));
    return builder.finish();
  }
  static kj::Array<kj::byte> batchesOf(const std::vector<Sent>& all) {
    kj::Vector<kj::byte> bytes;
    for (auto& sent : all)
      bytes.addAll(batchOf(sent));
    return bytes.releaseAsArray();
  }
  // "3..5" for the offsets [3, 5), "again 3..5" for those of the first time, or the name of the error.
  std::string send(const std::vector<Sent>& all) {
    auto batches = batchesOf(all);
    auto appended = partition->append(batches);
    if (!appended.ok()) return errorName(appended.error().code).cStr();
    auto& outcome = appended.value();
    return kj::str(outcome.duplicate ? "again " : "", outcome.baseOffset, "..", outcome.nextOffset).cStr();
  }
  std::string send(const Sent& sent) { return send(std::vector<Sent>{sent}); }

  // The new end.
  int64_t append(const std::vector<Record>& records) {
    auto appended = tryAppend(records);
    KJ_REQUIRE(appended.ok(), appended.error());
    return appended.value().nextOffset.value();
  }

  // Lets everything go on that can.
  void settle() {
    for (int turn = 0; turn < 30; ++turn)
      kj::evalLater([] {}).wait(scope);
  }
  void advance(int64_t ms) {
    now += ms * kj::MILLISECONDS;
    timer.advanceTo(now);
    settle();
  }
  // Null while it waits.
  template <class T>
  kj::Maybe<T> ready(kj::Promise<T>& promise) {
    if (!promise.poll(scope)) return nullptr;
    return promise.wait(scope);
  }
  std::string find(OffsetQuery query) {
    auto found = partition->findOffset(query);
    if (!found.ok()) return found.error().message.cStr();
    return kj::str(found.value().offset, "@", found.value().timestamp).cStr();
  }
  std::string since(int64_t timestamp) { return find({OffsetQuery::Kind::kTimestamp, TimestampMs(timestamp)}); }
  int64_t highWatermark() { return partition->status().highWatermark.value(); }
  int64_t durable() { return partition->status().durable.value(); }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimePoint now = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer{now};
  VirtualClock clock;
  HeldWorkPool pool;
  HeldWorkPool checkPool;
  PartitionMetrics metrics;
  ProducerLimits producerLimits{};
  LeaderEpoch epoch{3};
  MemoryStore store;
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
  kj::Own<Partition> partition;
};

}  // namespace cambium
