// Every file beside the segments cut at each byte, and each of its bytes changed: what the segments hold is found all
// the same, or the opening is refused with the file's name; and what was done is said.

#include <gtest/gtest.h>

#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

constexpr LogOptions kOptions{.segmentBytes = Bytes(700), .indexIntervalBytes = Bytes(150)};
constexpr int64_t kStart = 5;
constexpr int64_t kEnd = 24;

enum class Ending { kClean, kKilled };

// Twelve batches of two records each in segments of seven, a log start in the middle of the first one, and a table.
void makeStore(MemoryFileSystem& files, Ending ending, int64_t start = kStart) {
  auto engine = openEngine(files);
  {
    auto log = engine->open(nativeLogId(), kOptions);
    for (int i = 0; i < 12; ++i)
      appendBatch(*log, 2, 1000 + 10 * i);
    syncNow(*log);
    if (start > 0) log->dropBefore(Offset(start));
  }
  TableChange change{"offsets"_kj, "key"_kj.asBytes(), ByteView("value"_kj.asBytes())};
  engine->commit(kj::arrayPtr(&change, 1));
  if (ending == Ending::kClean) engine->close();
}

// Everything that can be asked of a log, from `start` on.
std::string everythingOf(PartitionLog& log, int64_t start) {
  std::string all = kj::str("ends at ", log.bounds().end, ":").cStr();
  for (int64_t offset = start; offset < log.bounds().end.value(); ++offset)
    all += kj::str(" ", describeBatches(log.read(Offset(offset), log.bounds().end, Bytes(1)))).cStr();
  for (int64_t time = 1000; time <= 1120; time += 5) {
    all += " ";
    KJ_IF_MAYBE(hit, log.seekTime(TimestampMs(time))) {
      all += kj::str(hit->baseOffset, "@", hit->maxTimestamp).cStr();
    } else {
      all += "none";
    }
  }
  return all;
}

std::string soundFrom(int64_t start) {
  MemoryFileSystem files;
  makeStore(files, Ending::kClean, start);
  auto engine = openEngine(files);
  return everythingOf(*engine->open(nativeLogId(), kOptions), start);
}

// What one damaged file may do.
struct Expectation {
  const char* path;
  // The opening (of the engine, or of the log) is refused when the file is damaged.
  bool isRefused = false;
  // Damage is reported. An entry of an index may be changed so that it can do no harm: then nobody need notice.
  bool isReported = true;
  // Where the log starts is known from this file only: with it gone, deleted records show again.
  bool startMayBeLost = false;
};

void expectSurvived(MemoryFileSystem& files, const Expectation& expectation) {
  kj::Vector<kj::String> lines;
  auto before = fileOf(files, "data/words-0/00000000000000000000.log");
  auto failure = thrownBy([&] {
    auto engine = openEngine(files, &lines);
    auto log = engine->open(nativeLogId(), kOptions);
    auto start = log->bounds().start.value();
    EXPECT_TRUE(start == kStart || (expectation.startMayBeLost && start == 0)) << start;
    EXPECT_EQ(everythingOf(*log, start), soundFrom(start));
    appendBatch(*log, 1, 5000);
    syncNow(*log);
    EXPECT_EQ(KJ_ASSERT_NONNULL(log->seekTime(TimestampMs(2000))).baseOffset, Offset(kEnd));
  });
  EXPECT_TRUE(fileOf(files, "data/words-0/00000000000000000000.log") == before.asPtr()) << "a segment was changed";
  if (expectation.isRefused) {
    kj::StringPtr path = expectation.path;
    EXPECT_NE(failure.find(path.slice(KJ_ASSERT_NONNULL(path.findLast('/')) + 1).cStr()), std::string::npos) << failure;
  } else {
    EXPECT_EQ(failure, "");
    if (expectation.isReported) EXPECT_GT(lines.size(), 0u);
  }
}

// Both ways to end, each cut and each changed byte.
void tryAll(std::initializer_list<Ending> endings, const Expectation& expectation) {
  for (auto ending : endings) {
    MemoryFileSystem sample;
    makeStore(sample, ending);
    auto contents = fileOf(sample, expectation.path);
    ASSERT_GT(contents.size(), 0u);
    for (size_t i = 0; i < contents.size(); ++i) {
      SCOPED_TRACE(kj::str(expectation.path, ending == Ending::kClean ? " clean" : " killed", " byte ", i).cStr());
      {
        SCOPED_TRACE("cut there");
        MemoryFileSystem files;
        makeStore(files, ending);
        putFile(files, expectation.path, contents.slice(0, i));
        expectSurvived(files, expectation);
      }
      for (kj::byte change : {0x01, 0x80, 0xff}) {
        SCOPED_TRACE(kj::str("changed by ", change).cStr());
        MemoryFileSystem files;
        makeStore(files, ending);
        auto damaged = kj::heapArray<kj::byte>(contents.asPtr());
        damaged[i] ^= change;
        putFile(files, expectation.path, damaged);
        expectSurvived(files, expectation);
      }
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST(NativeDamage, OffsetIndexOfASealedSegment) {
  tryAll({Ending::kClean, Ending::kKilled}, {"data/words-0/00000000000000000000.index", false, false});
}

TEST(NativeDamage, OffsetIndexOfTheActiveSegment) {
  tryAll({Ending::kClean, Ending::kKilled}, {"data/words-0/00000000000000000014.index", false, false});
}

TEST(NativeDamage, TimeIndexOfASealedSegment) {
  tryAll({Ending::kClean, Ending::kKilled}, {"data/words-0/00000000000000000000.timeindex", false, false});
}

TEST(NativeDamage, TimeIndexOfTheActiveSegment) {
  tryAll({Ending::kClean, Ending::kKilled}, {"data/words-0/00000000000000000014.timeindex", false, false});
}

TEST(NativeDamage, LogState) {
  // After a clean stop the checkpoint says the same.
  tryAll({Ending::kClean}, {"data/words-0/log-state", false, false});
  tryAll({Ending::kKilled}, {.path = "data/words-0/log-state", .startMayBeLost = true});
}

TEST(NativeDamage, RecoveryCheckpoint) {
  tryAll({Ending::kClean, Ending::kKilled}, {"data/recovery-checkpoint"});
}

TEST(NativeDamage, TableSnapshot) {
  tryAll({Ending::kKilled}, {"data/tables/0000000000000001.snapshot", true});
}

}  // namespace
}  // namespace cambium
