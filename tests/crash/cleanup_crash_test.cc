#include <gtest/gtest.h>
#include <map>

#include <kj/debug.h>

#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"
#include "tests/crash/every_call.h"
#include "tests/support/memory_broker.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temporary_folder.h"

// Retention and compaction of a broker, between appends, that are cut off at every single file call: the next start
// finds every log as it was or as it was to become, and brings the work to its end.

namespace cambium {
namespace {

using Loss = MemoryFileSystem::Loss;
using Fault = MemoryFileSystem::Fault;

constexpr int kKeys = 5;
constexpr int kBatches = 30;
constexpr int64_t kRetainedBytes = 600;
constexpr int64_t kCleanerTurnMs = 16'000;
constexpr int64_t kRetentionTurnMs = 301'000;

// A topic of one partition of which every record says its offset, and the records that were sent to it.
struct Tidied {
  kj::StringPtr name;
  int sent = 0;
  int acknowledged = 0;
  // Keys go round: the newest record of each is one of the last.
  static int keyOf(int64_t offset) { return static_cast<int>(offset % kKeys); }
};

// Two topics of a broker on a disk that can fail: one is compacted, of the other only the end is kept.
class TidiedTopics {
 public:
  TidiedTopics(MemoryBroker::Surroundings& surroundings, kj::StringPtr storeFolder, kj::StringPtr engine)
      : surroundings_(surroundings), storeFolder_(kj::str(storeFolder)), engine_(kj::str(engine)) {
    start();
    create(compacted_, {{"cleanup.policy", "compact"}, {"min.cleanable.dirty.ratio", "0"}});
    create(retained_, {{"cleanup.policy", "delete"}, {"retention.bytes", kj::str(kRetainedBytes).cStr()}});
    appendAll(kBatches);
  }
  ~TidiedTopics() noexcept(false) {
    files_.powerOff();
    broker_ = nullptr;
  }
  KJ_DISALLOW_COPY(TidiedTopics);

  MemoryFileSystem& files() { return files_; }

  // Until the cleaner has been there, with appends before and behind it; twice, so that what is compacted is compacted
  // again.
  void live() {
    for (int round = 0; round < 2; ++round) {
      appendAll(kKeys);
      broker_->pass(kCleanerTurnMs);
    }
    broker_->pass(kRetentionTurnMs);
    appendAll(2);
  }
  void crash(Loss loss) {
    files_.powerOff();
    broker_ = nullptr;
    files_.failAt(0, Fault::kPowerOff);
    files_.crash(loss);
    start();
  }
  // As live(), and then all was done that there is to do.
  void finish() {
    for (auto* topic : {&compacted_, &retained_}) {
      auto before = topic->acknowledged;
      append(*topic);
      ASSERT_EQ(topic->acknowledged, before + 1) << topic->name.cStr();
    }
    live();
    check();
    // Of what was sent in the beginning only the newest of each key is left, and only the end.
    EXPECT_LT(recordsOf(compacted_), static_cast<size_t>(compacted_.acknowledged) - kBatches / 2);
    EXPECT_GT(startOf(retained_), kBatches / 2);
  }
  void check() {
    checkCompacted();
    checkRetained();
  }
  size_t recordsOf(const Tidied& topic) { return contentsOf(topic).size(); }
  const Tidied& compacted() const { return compacted_; }

 private:
  void start() { broker_ = kj::heap<MemoryBroker>(surroundings_, files_, storeFolder_, engine_, "native"_kj); }
  LocalBroker& local() { return broker_->local(); }
  PartitionKey key(const Tidied& topic) { return {local().topic(topic.name).value()->id(), 0}; }

  void create(const Tidied& topic, std::map<std::string, std::string> settings) {
    NewTopic wish{.name = kj::str(topic.name), .partitions = 1};
    // Segments of three batches.
    settings["segment.bytes"] = "300";
    settings["durability"] = "fsync";
    for (auto& [name, value] : settings)
      wish.settings.add(ConfigSetting{kj::str(name.c_str()), kj::str(value.c_str())});
    auto made = broker_->wait(local().createTopic(kj::mv(wish)));
    KJ_REQUIRE(made.ok(), made.error());
  }
  void appendAll(int count) {
    for (int i = 0; i < count; ++i) {
      append(compacted_);
      append(retained_);
    }
  }
  // The record says the offset that it gets: nobody else appends, and what is sent again is the same.
  void append(Tidied& topic) {
    int64_t number = topic.acknowledged;
    topic.sent = kj::max(topic.sent, topic.acknowledged + 1);
    BatchBuilder builder({.producerId = 9, .producerEpoch = 0, .baseSequence = topic.acknowledged});
    auto keyText = kj::str(Tidied::keyOf(number)), value = kj::str(number, " and some more to fill the segment");
    builder.add(surroundings_.clock.now(), keyText.asBytes().asConst(), value.asBytes().asConst());
    auto batch = builder.finish();
    auto thrown = kj::runCatchingExceptions([&] {
      auto appended = broker_->wait(local().append(key(topic), batch, Acks::kAll));
      if (!appended.ok()) return;
      EXPECT_EQ(appended.value().baseOffset, Offset(number)) << topic.name.cStr();
      ++topic.acknowledged;
    });
    KJ_IF_MAYBE(exception, thrown) KJ_LOG(INFO, "cut off", *exception);
  }

  int64_t startOf(const Tidied& topic) {
    auto found = broker_->wait(local().findOffset(key(topic), {OffsetQuery::Kind::kEarliest}));
    EXPECT_TRUE(found.ok());
    return found.ok() ? found.value().offset.value() : -1;
  }
  // What a reader sees; each record says its offset and has its key.
  std::map<int64_t, int> contentsOf(const Tidied& topic) {
    std::map<int64_t, int> contents;
    for (Offset next(startOf(topic));;) {
      auto read = broker_->wait(local().read(key(topic), {.from = next}));
      EXPECT_TRUE(read.ok()) << read.error().message.cStr();
      if (!read.ok()) return contents;
      BatchIterator each(read.value().batches);
      while (auto* batch = each.next()) {
        RecordReader records(*batch);
        while (auto* record = records.next()) {
          auto offset = record->offset.value();
          auto value = kj::heapString(KJ_ASSERT_NONNULL(record->value).asChars());
          auto keyText = kj::heapString(KJ_ASSERT_NONNULL(record->key).asChars());
          EXPECT_TRUE(value.startsWith(kj::str(offset, " and"))) << value.cStr() << " at " << offset;
          EXPECT_STREQ(keyText.cStr(), kj::str(Tidied::keyOf(offset)).cStr());
          EXPECT_TRUE(contents.emplace(offset, Tidied::keyOf(offset)).second) << offset << " is there twice";
        }
      }
      if (read.value().nextOffset == next) {
        end_ = next.value();
        return contents;
      }
      next = read.value().nextOffset;
    }
  }
  // What was acknowledged is below the end, and nothing is there that was not sent.
  void checkEnd(Tidied& topic) {
    EXPECT_GE(end_, topic.acknowledged) << topic.name.cStr() << " lost what it had acknowledged";
    EXPECT_LE(end_, topic.sent) << topic.name.cStr() << " has what nobody sent";
    topic.acknowledged = static_cast<int>(end_);
  }
  void checkCompacted() {
    auto contents = contentsOf(compacted_);
    checkEnd(compacted_);
    EXPECT_EQ(startOf(compacted_), 0);
    // The newest of every key.
    for (int64_t offset = kj::max(0, compacted_.acknowledged - kKeys); offset < compacted_.acknowledged; ++offset)
      EXPECT_TRUE(contents.contains(offset)) << "the newest of key " << Tidied::keyOf(offset) << " at " << offset;
  }
  void checkRetained() {
    auto contents = contentsOf(retained_);
    checkEnd(retained_);
    auto start = startOf(retained_);
    for (int64_t offset = start; offset < retained_.acknowledged; ++offset)
      EXPECT_TRUE(contents.contains(offset)) << "lost: " << offset;
    // No extent goes before as much as is to be kept lies behind it; a batch has some 110 bytes.
    constexpr int64_t kBatchBytesMax = 150;
    EXPECT_LE(start, retained_.acknowledged - kRetainedBytes / kBatchBytesMax);
  }

  MemoryBroker::Surroundings& surroundings_;
  kj::String storeFolder_, engine_;
  MemoryFileSystem files_;
  kj::Own<MemoryBroker> broker_;
  Tidied compacted_{"compacted"};
  Tidied retained_{"retained"};
  int64_t end_ = 0;  // of the log that was read last
};

class CleanupCrashTest : public ::testing::TestWithParam<const char*> {
 public:
  ~CleanupCrashTest() noexcept override = default;

 protected:
  void cutAtEveryCall(Fault fault, Loss loss) {
    failAtEveryCall(GetParam(), fault, loss,
                    [this] { return kj::heap<TidiedTopics>(surroundings, folder.path(), GetParam()); });
  }

  MemoryBroker::Surroundings surroundings;
  TemporaryFolder folder{TemporaryFolder::inMemory()};
};

INSTANTIATE_TEST_SUITE_P(On, CleanupCrashTest, ::testing::Values("native", "rocksdb"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(CleanupCrashTest, WithoutAFaultMuchGoes) {
  Quiet quiet;
  TidiedTopics topics(surroundings, folder.path(), GetParam());
  EXPECT_EQ(topics.recordsOf(topics.compacted()), static_cast<size_t>(kBatches));
  topics.live();
  topics.check();
  topics.finish();
}

TEST_P(CleanupCrashTest, PowerMayFailAtEveryCall) {
  cutAtEveryCall(Fault::kPowerOff, {Loss::Kind::kUnsynced});
}

TEST_P(CleanupCrashTest, PowerMayFailAndLeaveParts) {
  cutAtEveryCall(Fault::kPowerOff, {Loss::Kind::kReordered, 512});
}

TEST_P(CleanupCrashTest, EveryCallMayFail) {
  cutAtEveryCall(Fault::kIoError, {Loss::Kind::kNothing});
}

TEST_P(CleanupCrashTest, TheDeviceMayBeFullAtEveryCall) {
  cutAtEveryCall(Fault::kNoSpace, {Loss::Kind::kUnsynced});
}

}  // namespace
}  // namespace cambium
