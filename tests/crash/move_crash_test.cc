#include <gtest/gtest.h>

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"
#include "tests/crash/every_call.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temporary_folder.h"

// A move between engines, under producers, that is cut off at every single file call: the next start finds every log
// once, with everything that was acknowledged, and brings it to where it was sent. CrashRun has moves among everything
// else and every loss; here each call of a move is met.

namespace cambium {
namespace {

using Loss = MemoryFileSystem::Loss;
using Fault = MemoryFileSystem::Fault;

constexpr int kPartitions = 2;
constexpr int kBefore = 6;  // appends to each partition before the move
constexpr int kDuring = 12;

kj::StringPtr otherThan(kj::StringPtr engine) {
  return engine == "native" ? "rocksdb"_kj : "native"_kj;
}

// What is known of one partition from outside.
struct Known {
  int sent = 0;
  int acknowledged = 0;
};

// A topic of a broker on a disk that can fail.
class MovingTopic {
 public:
  MovingTopic(MemoryBroker::Surroundings& surroundings, kj::StringPtr storeFolder, kj::StringPtr from)
      : surroundings_(surroundings), storeFolder_(kj::str(storeFolder)), to_(kj::str(otherThan(from))) {
    start();
    NewTopic wish{.name = kj::str("words"), .partitions = kPartitions};
    wish.settings.add(ConfigSetting{kj::str("storage.engine"), kj::str(from)});
    // Files of two batches: rolls are met as well.
    wish.settings.add(ConfigSetting{kj::str("segment.bytes"), kj::str("200")});
    auto made = broker_->wait(local().createTopic(kj::mv(wish)));
    KJ_REQUIRE(made.ok(), made.error());
    for (int index = 0; index < kPartitions; ++index)
      broker_->wait(append(index, kBefore));
    // The other engine is there already.
    broker_->wait(send(to_));
    awaitArrival(to_);
    broker_->wait(send(from));
    awaitArrival(from);
  }
  ~MovingTopic() noexcept(false) {
    files_.powerOff();
    broker_ = nullptr;
  }
  KJ_DISALLOW_COPY(MovingTopic);

  MemoryFileSystem& files() { return files_; }

  // The move, under appends.
  void live() {
    auto sending = send(to_).eagerlyEvaluate(nullptr);
    auto first = append(0, kDuring).eagerlyEvaluate(nullptr);
    auto second = append(1, kDuring).eagerlyEvaluate(nullptr);
    awaitArrival(to_);
    for (auto* one : {&sending, &first, &second}) {
      KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { broker_->wait(kj::mv(*one)); })) {
        KJ_LOG(INFO, "cut off", *exception);
      }
    }
  }
  void crash(Loss loss) {
    files_.powerOff();
    broker_ = nullptr;
    files_.failAt(0, Fault::kPowerOff);
    files_.crash(loss);
    start();
  }
  // Asks again for the move, whether or not the wish was written down before the crash.
  void finish() {
    broker_->wait(send(to_));
    awaitArrival(to_);
    ASSERT_TRUE(isIn(to_));
    check();
    for (int index = 0; index < kPartitions; ++index) {
      auto before = known_[index].acknowledged;
      broker_->wait(append(index, 1));
      ASSERT_EQ(known_[index].acknowledged, before + 1);
    }
    for (auto* engine : local().engines()) {
      if (engine->name() == to_) continue;
      for (auto& id : engine->list())
        EXPECT_FALSE(id.name.startsWith("words-")) << id.name.cStr() << " is left in " << engine->name().cStr();
    }
  }

  // Everything that was acknowledged is there, at its offset, once; beyond it at most what was sent.
  void check() {
    for (int index = 0; index < kPartitions; ++index) {
      Offset at(0);
      for (;;) {
        auto read = broker_->wait(local().read(key(index), {.from = at}));
        ASSERT_TRUE(read.ok()) << read.error().message.cStr();
        if (read.value().batches.size() == 0) break;
        BatchIterator each(read.value().batches);
        while (auto* batch = each.next()) {
          RecordReader records(*batch);
          while (auto* record = records.next()) {
            auto value = kj::heapString(KJ_ASSERT_NONNULL(record->value).asChars());
            ASSERT_STREQ(value.cStr(), kj::str(at).cStr()) << "partition " << index;
            ASSERT_EQ(record->offset, at);
            ASSERT_EQ(record->timestamp, TimestampMs(1000) + at.value());
            at += 1;
          }
        }
      }
      auto& known = known_[index];
      ASSERT_GE(at.value(), known.acknowledged) << "partition " << index << " lost what it had acknowledged";
      ASSERT_LE(at.value(), known.sent) << "partition " << index << " has what nobody sent";
      known.acknowledged = static_cast<int>(at.value());
    }
  }

 private:
  void start() { broker_ = kj::heap<MemoryBroker>(surroundings_, files_, storeFolder_, "native"_kj, "native"_kj); }
  LocalBroker& local() { return broker_->local(); }
  PartitionKey key(int index) { return {local().topic("words"_kj).value()->id(), index}; }

  // Records that say their numbers, one after the other, of an idempotent producer that sends again what was not
  // acknowledged.
  kj::Promise<void> append(int index, int count) {
    auto& known = known_[index];
    for (int i = 0; i < count; ++i) {
      int number = known.acknowledged;
      known.sent = kj::max(known.sent, number + 1);
      BatchBuilder builder({.producerId = 9, .producerEpoch = 0, .baseSequence = number});
      auto text = kj::str(number);
      builder.add(TimestampMs(1000 + number), nullptr, text.asBytes().asConst());
      auto batch = builder.finish();
      auto appended = co_await local().append(key(index), batch, Acks::kAll);
      if (!appended.ok()) continue;
      EXPECT_EQ(appended.value().baseOffset, Offset(number));
      ++known.acknowledged;
    }
  }
  kj::Promise<void> send(kj::StringPtr to) {
    kj::Vector<ConfigChange> changes;
    changes.add(ConfigChange{kj::str("storage.engine"), kj::str(to)});
    return local().alterTopic(kj::str("words"), kj::mv(changes)).ignoreResult();
  }
  bool isIn(kj::StringPtr engine) {
    auto topic = local().topic("words"_kj);
    if (!topic.ok() || topic.value()->engine() != engine) return false;
    for (int i = 0; i < kPartitions; ++i) {
      auto& partition = topic.value()->partition(i);
      if (partition.engine != engine || partition.otherEngine.size() > 0) return false;
    }
    return true;
  }
  // Until it is there, or nothing goes on any more.
  void awaitArrival(kj::StringPtr engine) {
    constexpr int kPasses = 20;
    for (int pass = 0; pass < kPasses && !isIn(engine); ++pass)
      broker_->pass(1);
  }

  MemoryBroker::Surroundings& surroundings_;
  kj::String storeFolder_;
  kj::String to_;
  MemoryFileSystem files_;
  kj::Own<MemoryBroker> broker_;
  Known known_[kPartitions];
};

class MoveCrashTest : public ::testing::TestWithParam<const char*> {
 public:
  ~MoveCrashTest() noexcept override = default;

 protected:
  void cutAtEveryCall(Fault fault, Loss loss) {
    kj::StringPtr from = GetParam();
    failAtEveryCall(kj::str(from, " to ", otherThan(from)), fault, loss,
                    [&] { return kj::heap<MovingTopic>(surroundings, folder.path(), from); });
  }

  MemoryBroker::Surroundings surroundings;
  TemporaryFolder folder{TemporaryFolder::inMemory()};
};

INSTANTIATE_TEST_SUITE_P(From, MoveCrashTest, ::testing::Values("native", "rocksdb"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(MoveCrashTest, PowerMayFailAtEveryCall) {
  cutAtEveryCall(Fault::kPowerOff, {Loss::Kind::kUnsynced});
}

TEST_P(MoveCrashTest, PowerMayFailAndLeaveParts) {
  cutAtEveryCall(Fault::kPowerOff, {Loss::Kind::kReordered, 512});
}

TEST_P(MoveCrashTest, EveryCallMayFail) {
  cutAtEveryCall(Fault::kIoError, {Loss::Kind::kNothing});
}

TEST_P(MoveCrashTest, TheDeviceMayBeFullAtEveryCall) {
  cutAtEveryCall(Fault::kNoSpace, {Loss::Kind::kUnsynced});
}

}  // namespace
}  // namespace cambium
