#pragma once

#include <gtest/gtest.h>
#include <string>

#include "engine/group/group_coordinator.h"
#include "engine/storage/memory_engine.h"
#include "tests/support/virtual_world.h"

namespace cambium {

// Counts.
class ByteCountingEntropy final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    for (auto& b : buffer)
      b = next_++;
  }

 private:
  mutable kj::byte next_ = 1;
};

// The coordinator of the only partition of an internal topic, over the memory engine on virtual time.
class CoordinatorTest : public ::testing::Test {
 public:
  ~CoordinatorTest() noexcept override = default;

 protected:
  void SetUp() override {
    settings.group.initialRebalanceDelayMs = 0;
    settings.group.minSessionTimeoutMs = 1000;
    open();
  }
  void TearDown() override { drop(); }

  void open() {
    PartitionConfig config;
    config.keysRequired = true;
    config.codec = Codec::kNone;
    auto log = engine->open({kj::str("offsets-0"), topic}, config.log);
    auto producers =
        kj::heap<ProducerKeeper>(LogId{kj::str("offsets-0"), topic}, ProducerTable(*engine), ProducerLimits());
    partition = kj::refcounted<Partition>(kj::str("offsets-0"), kj::mv(log), kj::mv(producers), kj::mv(config),
                                          LeaderEpoch(0), PartitionContext{pool, timer, clock, metrics, checkPool});
    surroundings = kj::heap(GroupSurroundings{*engine, pool, timer, clock, entropy, settings, checkPartition});
    auto rows = readGroupRows(*engine, 1);
    coordinator = kj::heap<GroupCoordinator>(topic, 0, kj::addRef(*partition), *surroundings);
    auto loaded = coordinator->load(kj::mv(rows[0])).wait(scope);
    KJ_REQUIRE(loaded.ok(), loaded.error());
  }
  void drop() {
    coordinator = nullptr;
    partition = nullptr;
    engine = nullptr;
  }
  // Power loss, and a new start.
  void crash() {
    drop();
    store.crash();
    reopen();
  }
  // A clean stop, and a new start.
  void restart() {
    coordinator->close().wait(scope);
    coordinator = nullptr;
    partition->close().wait(scope);
    drop();
    reopen();
  }
  void reopen() {
    engine = openMemoryEngine(store, {});
    open();
  }

  struct Commit {
    std::string topic;
    int32_t partition;
    int64_t offset;
    std::string metadata = "";
  };
  static CommitOffsetsRequest commitRequest(const std::string& group, const std::vector<Commit>& commits) {
    CommitOffsetsRequest request{.who = {.group = group, .member = ""}, .offsets = {}};
    for (auto& commit : commits) {
      request.offsets.add(OffsetToCommit{.topic = commit.topic,
                                         .partition = commit.partition,
                                         .offset = Offset(commit.offset),
                                         .metadata = commit.metadata});
    }
    return request;
  }
  static std::string errorsOf(CommitOffsetsAnswer answer) {
    std::string all;
    for (auto& error : answer)
      all += std::string(error.map([](Error& e) { return errorName(e.code); }).orDefault("ok").cStr()) + " ";
    return all;
  }
  static std::string errorOf(const Result<void>& result) {
    return result.ok() ? "" : errorName(result.error().code).cStr();
  }
  std::string commit(const std::string& group, const std::vector<Commit>& commits) {
    return errorsOf(coordinator->commitOffsets(commitRequest(group, commits)).wait(scope));
  }
  // Everything the group has: "words-0=7(note) ".
  std::string fetch(const std::string& group) {
    auto found = coordinator->fetchOffsets({.who = {.group = group, .member = ""}});
    if (!found.ok()) return errorName(found.error().code).cStr();
    std::string all;
    for (auto& one : found.value()) {
      all +=
          kj::str(one.key.topic.c_str(), "-", one.key.partition, "=", one.offset.offset, "(", one.offset.metadata, ") ")
              .cStr();
    }
    return all;
  }
  std::string groups() {
    std::string all;
    for (auto& one : coordinator->list())
      all += one.group + ":" + groupStateName(one.state).cStr() + " ";
    return all;
  }

  static JoinGroupRequest joinRequest(const std::string& group, const std::string& member = "") {
    JoinGroupRequest request{.who = {.group = group, .member = member},
                             .clientId = "test",
                             .clientHost = "/127.0.0.1",
                             .protocolType = "consumer",
                             .protocols = {},
                             .sessionTimeoutMs = 10'000,
                             .rebalanceTimeoutMs = 20'000,
                             .memberIdRequired = false};
    // Subscribes to "words".
    const kj::byte subscription[] = {0, 0, 0, 0, 0, 1, 0, 5, 'w', 'o', 'r', 'd', 's', 0xff, 0xff, 0xff, 0xff};
    request.protocols.add(GroupProtocol{"range", kj::heapArray<const kj::byte>(subscription, sizeof(subscription))});
    return request;
  }
  struct Joined {
    std::string member;
    int32_t generation;
  };
  // The only member of a group.
  Joined joinAlone(const std::string& group) {
    auto joining = coordinator->join(joinRequest(group));
    advance(0);
    KJ_REQUIRE(joining.poll(scope), "the join waits");
    auto joined = joining.wait(scope);
    KJ_REQUIRE(joined.error == nullptr, KJ_ASSERT_NONNULL(joined.error));
    SyncGroupRequest request{.who = {.group = group, .member = joined.member, .generation = joined.generation},
                             .assignments = {}};
    request.assignments.add(MemberAssignment{joined.member, kj::heapArray<const kj::byte>("mine"_kj.asBytes())});
    auto synced = coordinator->sync(kj::mv(request)).wait(scope);
    KJ_REQUIRE(synced.error == nullptr, KJ_ASSERT_NONNULL(synced.error));
    return {joined.member, joined.generation};
  }
  static MemberIdentity identity(const std::string& group, const Joined& joined) {
    return {.group = group, .member = joined.member, .generation = joined.generation};
  }

  void settle() {
    for (int turn = 0; turn < 20; ++turn)
      kj::evalLater([] {}).wait(scope);
  }
  // What a deadline brings about may set another one of the same moment.
  void advance(int64_t ms) {
    settle();
    clock.nowMs += ms;
    now += ms * kj::MILLISECONDS;
    for (int round = 0; round < 3; ++round) {
      timer.advanceTo(now);
      settle();
    }
  }
  int64_t end() { return partition->status().end.value(); }

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimePoint now = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer{now};
  VirtualClock clock;
  HeldWorkPool pool;
  HeldWorkPool checkPool;
  ByteCountingEntropy entropy;
  PartitionMetrics metrics;
  MemoryStore store;
  GroupSettings settings;
  Uuid topic = Uuid::random(entropy);
  kj::Own<StorageEngine> engine = openMemoryEngine(store, {});
  kj::ConstFunction<Result<void>(const std::string&, int32_t)> checkPartition = [](const std::string& topic,
                                                                                   int32_t partition) -> Result<void> {
    if (topic != "nothing" && partition < 100) return Result<void>();
    return makeError(ErrorCode::kUnknownTopicOrPartition, "not there");
  };
  kj::Own<GroupSurroundings> surroundings;
  kj::Own<Partition> partition;
  kj::Own<GroupCoordinator> coordinator;
};

}  // namespace cambium
