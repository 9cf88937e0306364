#include <gtest/gtest.h>
#include <iostream>

#include "backends/native/native_engine.h"
#include "backends/rocksdb/rocks_engine_internal.h"
#include "engine/base/byte_cursor.h"
#include "engine/broker/broker.h"
#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/rocks_faults.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/virtual_world.h"

// A move between engines that is cut off at every file call, and between any two of its steps: the next start finds
// every log once, with everything that was acknowledged.

namespace cambium {
namespace {

constexpr int kPartitions = 2;
constexpr int kBefore = 6;  // appends to each partition before the move

class CountingEntropy final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    for (auto& byte : buffer)
      byte = static_cast<kj::byte>(++next_ * 37);
  }

 private:
  mutable unsigned next_ = 0;
};

class NoLoops final : public LoopStarter {
 public:
  kj::Own<Loop> start(unsigned, kj::Function<kj::Promise<void>(LoopContext&)>) override {
    KJ_FAIL_REQUIRE("one loop is enough here");
  }
};

class NoDoor final : public Door {
 public:
  kj::Promise<void> drain() override { return kj::READY_NOW; }
  kj::Promise<void> cut() override { return kj::READY_NOW; }
};

// Runs jobs at once, until so many have run: then the power is off, and nothing is done any more.
class CutPool final : public WorkPool {
 public:
  kj::Promise<void> run(kj::Function<void()> job) override {
    return kj::evalLater([this, job = kj::mv(job)]() mutable {
      if (left != 0 && --left == 0) off = true;
      KJ_REQUIRE(!off, "the power is off");
      ++jobs;
      job();
    });
  }

  uint64_t left = 0;  // 0: no end
  bool off = false;
  uint64_t jobs = 0;
};

// "native" and "rocksdb" of a broker: both are native stores over a file system in memory, or the second one is a real
// RocksDB over one with faults. Either loses power with crash().
class CrashEngines final : public EngineFactory {
 public:
  CrashEngines(MemoryFileSystem& files, bool realRocks) : files_(files), realRocks_(realRocks) {}

  kj::Own<StorageEngine> open(kj::StringPtr kind, EngineOptions options) override {
    if (kind == "native" || !realRocks_) return openNativeEngine(files_, kind, kj::mv(options));
    return rocks::openRocksEngineOn(faults_.fileSystem(), path_, {}, kj::mv(options));
  }
  void crash() {
    if (realRocks_) faults_.crash();
  }

 private:
  MemoryFileSystem& files_;
  const bool realRocks_;
  TemporaryFolder folder_{TemporaryFolder::inMemory()};
  RocksFaults faults_;
  kj::String path_ = folder_.path("store");
};

// What is known of one partition from outside.
struct Oracle {
  int sent = 0;
  int acknowledged = 0;
};

// A broker of one loop whose world can be cut off, and what it was told and has answered.
class Cut {
 public:
  explicit Cut(bool realRocks) : realRocks(realRocks), engines(files, realRocks) {}
  ~Cut() noexcept(false) { end(); }
  KJ_DISALLOW_COPY(Cut);

  void start() {
    LoopContext context{io.provider->getTimer(), *io.lowLevelProvider};
    loop.emplace(context);
    BrokerConfig config{
        .cores = 1, .logEngine = kj::str("native"), .stateEngine = kj::str("native"), .moveBytesPerSecond = Bytes(0)};
    World world{files, clock, entropy, pool, loops, engines};
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                  broker = kj::heap<Broker>(worlds.emplace(world), kj::mv(config), KJ_ASSERT_NONNULL(loop));
                  broker->start([](LocalBroker&, LoopContext&) -> kj::Own<Door> { return kj::heap<NoDoor>(); })
                      .wait(io.waitScope);
                })) {
      end();
      kj::throwFatalException(kj::mv(*exception));
    }
  }
  // A stop, as far as it is possible.
  void end() {
    if (broker.get() == nullptr) return;
    (void)kj::runCatchingExceptions([&] { broker->stop().wait(io.waitScope); });
    broker = nullptr;
  }
  // The power goes, and comes back.
  void crash(kj::Maybe<uint64_t> partlySeed = nullptr) {
    end();
    KJ_IF_MAYBE(seed, partlySeed) {
      files.crashPartly(*seed);
    } else {
      files.crash();
    }
    engines.crash();
    pool.off = false;
    pool.left = 0;
    start();
  }

  LocalBroker& local() { return broker->local(); }
  PartitionKey key(int index) { return {local().topic("words"_kj).value()->id(), index}; }

  void createTopic(kj::StringPtr engine) {
    NewTopic wish{.name = kj::str("words"), .partitions = kPartitions};
    wish.settings.add(ConfigSetting{kj::str("storage.engine"), kj::str(engine)});
    // Files of two batches: rolls are met as well.
    wish.settings.add(ConfigSetting{kj::str("segment.bytes"), kj::str("200")});
    auto made = local().createTopic(kj::mv(wish)).wait(io.waitScope);
    KJ_REQUIRE(made.ok(), made.error());
  }
  // One record that says its number, of an idempotent producer that sends again what was not answered.
  kj::Promise<void> append(int index) {
    auto& oracle = oracles[index];
    int number = oracle.acknowledged;
    oracle.sent = kj::max(oracle.sent, number + 1);
    BatchBuilder builder({.producerId = 9, .producerEpoch = 0, .baseSequence = number});
    auto text = kj::str(number);
    builder.add(TimestampMs(1000 + number), nullptr, text.asBytes().asConst());
    auto batch = builder.finish();
    auto appending = local().append(key(index), batch, Acks::kAll);
    auto appended = co_await appending;
    if (!appended.ok()) co_return;
    EXPECT_EQ(appended.value().baseOffset, Offset(number));
    ++oracle.acknowledged;
  }
  void appendNow(int index) {
    auto gone = kj::runCatchingExceptions([&] { append(index).wait(io.waitScope); });
    (void)gone;  // the power went
  }

  bool send(kj::StringPtr engine) {
    kj::Vector<ConfigChange> changes;
    changes.add(ConfigChange{kj::str("storage.engine"), kj::str(engine)});
    bool done = false;
    auto gone = kj::runCatchingExceptions(
        [&] { done = local().alterTopic(kj::str("words"), kj::mv(changes)).wait(io.waitScope).ok(); });
    (void)gone;
    return done;
  }
  bool atRest(kj::StringPtr engine) {
    auto topic = local().topic("words"_kj);
    if (!topic.ok() || topic.value()->engine() != engine) return false;
    for (int i = 0; i < kPartitions; ++i) {
      auto& partition = topic.value()->partition(i);
      if (partition.engine != engine || partition.otherEngine.size() > 0) return false;
    }
    return true;
  }
  bool failed() {
    for (int i = 0; i < kPartitions; ++i) {
      auto status = local().status(key(i)).wait(io.waitScope);
      KJ_IF_MAYBE(move, status.value().move) {
        if (move->phase == MoveStatus::Phase::kFailed) return true;
      }
    }
    return false;
  }
  // Moves, with appends in between, until it is there or nothing goes on any more.
  void moveUnderAppends(kj::StringPtr engine) {
    auto working = kj::joinPromises(kj::arr(appendMany(0, 12), appendMany(1, 12))).eagerlyEvaluate(nullptr);
    send(engine);
    for (int turn = 0; turn < 3000 && !atRest(engine) && !failed() && !pool.off; ++turn)
      kj::evalLast([] {}).wait(io.waitScope);
    working.wait(io.waitScope);
  }
  kj::Promise<void> appendMany(int index, int count) {
    for (int i = 0; i < count; ++i) {
      kj::Maybe<kj::Exception> gone;
      try {
        co_await append(index);
      } catch (const kj::Exception& exception) {
        gone = kj::cp(exception);
      }
      if (gone != nullptr) co_return;
      co_await kj::evalLast([] {});
    }
  }

  // Everything that was acknowledged is there, at its offset, once; beyond it at most what was sent.
  void check() {
    for (int index = 0; index < kPartitions; ++index) {
      auto& oracle = oracles[index];
      Offset at(0);
      for (;;) {
        auto read = local().read(key(index), {.from = at}).wait(io.waitScope);
        ASSERT_TRUE(read.ok()) << read.error().message.cStr();
        if (read.value().batches.size() == 0) break;
        BatchIterator each(read.value().batches);
        while (auto* batch = each.next()) {
          RecordReader records(*batch, kStoredLimits);
          while (auto* record = records.next()) {
            auto value = kj::heapString(KJ_ASSERT_NONNULL(record->value).asChars());
            ASSERT_STREQ(value.cStr(), kj::str(at).cStr()) << "partition " << index;
            ASSERT_EQ(record->offset, at);
            ASSERT_EQ(record->timestamp, TimestampMs(1000) + at.value());
            at += 1;
          }
        }
      }
      ASSERT_GE(at.value(), oracle.acknowledged) << "partition " << index << " lost what it had acknowledged";
      ASSERT_LE(at.value(), oracle.sent) << "partition " << index << " has what nobody sent";
      oracle.acknowledged = static_cast<int>(at.value());
    }
  }
  // The topic comes to where it was sent, goes on, and the other engine has nothing of it any more.
  void expectArrival(kj::StringPtr engine) {
    for (int turn = 0; turn < 3000 && !atRest(engine); ++turn)
      kj::evalLast([] {}).wait(io.waitScope);
    ASSERT_TRUE(atRest(engine));
    check();
    for (int index = 0; index < kPartitions; ++index) {
      auto before = oracles[index].acknowledged;
      appendNow(index);
      ASSERT_EQ(oracles[index].acknowledged, before + 1);
    }
    expectNothingIn(engine == "native" ? "rocksdb"_kj : "native"_kj);
  }
  void expectNothingIn(kj::StringPtr kind) {
    if (kind == "native" || !realRocks) {
      for (auto& entry : files.list(kind))
        EXPECT_FALSE(entry.name.startsWith("words-")) << entry.name.cStr() << " is left in " << kind.cStr();
      return;
    }
    for (auto* engine : local().engines()) {
      if (engine->name() != kind) continue;
      for (auto& id : engine->list())
        EXPECT_FALSE(id.name.startsWith("words-")) << id.name.cStr() << " is left in " << kind.cStr();
    }
  }

  const bool realRocks;
  kj::AsyncIoContext io = kj::setupAsyncIo();
  MemoryFileSystem files;
  VirtualClock clock;
  CountingEntropy entropy;
  CutPool pool;
  NoLoops loops;
  CrashEngines engines;
  kj::Maybe<LoopContext> loop;
  kj::Maybe<World> worlds;
  kj::Own<Broker> broker;
  Oracle oracles[kPartitions];
};

void prepare(Cut& cut, kj::StringPtr from) {
  cut.start();
  cut.createTopic(from);
  for (int i = 0; i < kBefore; ++i) {
    for (int index = 0; index < kPartitions; ++index)
      cut.appendNow(index);
  }
}

// Both engines are native stores with folders of their own, so that every file call of either counts. `fault` at the
// n-th call of the move, for every n; then the power goes, `after` says how.
void cutAtEveryFileCall(MemoryFileSystem::Fault fault, bool partly) {
  uint64_t points = 0;
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(kj::str("file call ", n).cStr());
    Cut cut(false);
    prepare(cut, "native");
    auto before = cut.files.mutations();
    cut.files.failAt(n, fault);
    cut.moveUnderAppends("rocksdb");
    bool met = cut.files.mutations() - before >= n;
    cut.files.failAt(0, fault);
    cut.crash(partly ? kj::Maybe<uint64_t>(n) : nullptr);
    cut.check();
    if (::testing::Test::HasFatalFailure()) return;
    // Whether the wish was written down or not: now it is.
    ASSERT_TRUE(cut.send("rocksdb"));
    cut.expectArrival("rocksdb");
    cut.end();
    if (::testing::Test::HasFailure()) return;
    if (!met) break;
    ++points;
  }
  EXPECT_GT(points, 50u);
  std::cout << "points: " << points << std::endl;
}

class QuietLog final : public kj::ExceptionCallback {
 public:
  // The brokers here have every reason to complain.
  void logMessage(kj::LogSeverity severity, const char* file, int line, int depth, kj::String&& text) override {
    if (severity >= kj::LogSeverity::FATAL)
      kj::ExceptionCallback::logMessage(severity, file, line, depth, kj::mv(text));
  }
};

TEST(MoveCrashTest, PowerOffAtEveryFileCall) {
  QuietLog quiet;
  cutAtEveryFileCall(MemoryFileSystem::Fault::kPowerOff, false);
}

TEST(MoveCrashTest, PowerOffAtEveryFileCallWithPartsOnTheDisk) {
  QuietLog quiet;
  cutAtEveryFileCall(MemoryFileSystem::Fault::kPowerOff, true);
}

TEST(MoveCrashTest, IoErrorAtEveryFileCall) {
  QuietLog quiet;
  cutAtEveryFileCall(MemoryFileSystem::Fault::kIoError, false);
}

TEST(MoveCrashTest, NoSpaceAtEveryFileCall) {
  QuietLog quiet;
  cutAtEveryFileCall(MemoryFileSystem::Fault::kNoSpace, false);
}

// With a real RocksDB, in both directions: the power goes between any two jobs of the pool.
void cutBetweenSteps(kj::StringPtr from, kj::StringPtr to) {
  uint64_t points = 0;
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(kj::str("step ", n).cStr());
    Cut cut(true);
    prepare(cut, from);
    cut.pool.left = n;
    cut.moveUnderAppends(to);
    bool met = cut.pool.off;
    cut.crash();
    cut.check();
    if (::testing::Test::HasFatalFailure()) return;
    ASSERT_TRUE(cut.send(to));
    cut.expectArrival(to);
    cut.end();
    if (::testing::Test::HasFailure()) return;
    if (!met) break;
    ++points;
  }
  EXPECT_GT(points, 20u);
  std::cout << "points: " << points << std::endl;
}

TEST(MoveCrashTest, PowerOffBetweenStepsFromNativeToRocks) {
  QuietLog quiet;
  cutBetweenSteps("native", "rocksdb");
}

TEST(MoveCrashTest, PowerOffBetweenStepsFromRocksToNative) {
  QuietLog quiet;
  cutBetweenSteps("rocksdb", "native");
}

}  // namespace
}  // namespace cambium
