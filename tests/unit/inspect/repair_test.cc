#include "tools/inspect/repair.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/native/native_engine.h"
#include "backends/rocksdb/rocks_engine.h"
#include "tests/support/batches.h"
#include "tests/unit/inspect/stores.h"

namespace cambium::tools {
namespace {

namespace fs = std::filesystem;

Outcome mend(RepairOptions options) {
  int out = memfd_create("out", 0);
  int errors = memfd_create("errors", 0);
  KJ_REQUIRE(out >= 0 && errors >= 0);
  Outcome outcome{};
  {
    Output output(out, errors);
    outcome.code = repair(options, output);
    output.flush();
  }
  outcome.out = contents(kj::str("/proc/self/fd/", out));
  outcome.errors = contents(kj::str("/proc/self/fd/", errors));
  close(out);
  close(errors);
  return outcome;
}

bool has(const Outcome& outcome, kj::StringPtr part) {
  return outcome.out.find(part.cStr()) != std::string::npos;
}

// Reads a log from its start to its end; how many offsets, and how many of them in batches without records.
struct Read {
  int64_t start, end, offsets = 0, empty = 0;
};
Read readAll(PartitionLog& log) {
  auto bounds = log.bounds();
  Read read{bounds.start.value(), bounds.end.value()};
  auto bytes = log.read(bounds.start, bounds.end, Bytes(1 << 30));
  BatchIterator batches(bytes);
  while (auto* batch = batches.next()) {
    int64_t count = int64_t{batch->lastOffsetDelta()} + 1;
    read.offsets += count;
    if (batch->recordCount() == 0) read.empty += count;
  }
  EXPECT_EQ(batches.rest().size(), 0u);
  return read;
}

// --- Native

class RepairNative : public ::testing::Test {
 public:
  ~RepairNative() noexcept override = default;

 protected:
  void SetUp() override {
    store.fill();
    store.closeCleanly();
    for (auto& entry : fs::directory_iterator(logFolder().cStr())) {
      if (entry.path().extension() == ".log") segments.push_back(entry.path().string());
    }
    std::sort(segments.begin(), segments.end());
    ASSERT_GE(segments.size(), 3u);
  }
  kj::String logFolder() const { return store.path("native/words-0"); }
  // A byte among the records of the second batch.
  static uint64_t inSecondBatch(const std::string& segment) {
    auto text = contents(segment.c_str());
    auto bytes = kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
    return static_cast<uint64_t>(BatchView::claimedSize(bytes)) + batch_layout::kHeaderBytes + 10;
  }
  static int64_t baseOf(const std::string& segment) { return std::stoll(fs::path(segment).stem().string()); }

  RepairOptions options() { return {.dataDir = kj::str(store.path()), .log = kj::str("words-0")}; }
  RepairOptions cutting() {
    auto all = options();
    all.cut = all.apply = true;
    return all;
  }
  RepairOptions copying() {
    auto all = options();
    all.copyTo = target.path("copy");
    all.apply = true;
    return all;
  }
  // The log as the next start of a broker finds it.
  Read reopen() {
    DiskFileSystem files(store.path(), 32);
    auto engine = openNativeEngine(files, "native", {});
    Read read;
    {
      auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
      read = readAll(*log);
      appendBatches(*log, 1);
      syncNow(*log);
      EXPECT_EQ(log->bounds().end.value(), read.end + 10);
      log->truncateFrom(Offset(read.end));
    }
    engine->close();
    return read;
  }
  std::string openFailure() {
    DiskFileSystem files(store.path(), 32);
    auto engine = openNativeEngine(files, "native", {});
    std::string failure;
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                  auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
                  readAll(*log);
                })) {
      failure = exception->getDescription().cStr();
    }
    return failure;
  }

  NativeStore store;
  TemporaryFolder target;
  std::vector<std::string> segments;
};

TEST_F(RepairNative, ASoundLogNeedsNothing) {
  auto before = fingerprint(logFolder());
  auto outcome = mend(cutting());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(has(outcome, "sound: offsets 0 to 999 (1000), 100 batches, ")) << outcome.out;
  EXPECT_TRUE(has(outcome, "nothing to repair"));
  EXPECT_EQ(fingerprint(logFolder()), before);
}

TEST_F(RepairNative, WithoutApplyItOnlySays) {
  auto middle = segments[1].c_str();
  flip(middle, inSecondBatch(middle));
  auto before = fingerprint(logFolder());
  auto outcome = mend(options());
  EXPECT_EQ(outcome.code, 0);
  for (auto* part : {"damaged: offsets ", "(10), ", "the checksum of the batch does not match",
                     "--cut keeps: offsets 0 to ", "--cut gives up: everything from offset ",
                     "--copy_to keeps: ", "empty batches hold the place of 10 offsets", "add --apply to do it"})
    EXPECT_TRUE(has(outcome, part)) << part << "\n" << outcome.out;
  EXPECT_TRUE(has(outcome, middle)) << outcome.out;
  EXPECT_EQ(fingerprint(logFolder()), before);
  EXPECT_FALSE(fs::exists(store.path("native/words-0.1-unclaimed").cStr()));
}

TEST_F(RepairNative, ACutEndsTheLogThereAndKeepsTheRestAside) {
  auto middle = segments[1];
  auto original = contents(middle.c_str());
  flip(middle.c_str(), inSecondBatch(middle));
  original = contents(middle.c_str());
  auto last = contents(segments.back().c_str());
  ASSERT_NE(openFailure(), "") << "the damage does not show";
  auto outcome = mend(cutting());
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
  auto aside = std::string(store.path("native/words-0.1-unclaimed").cStr());
  EXPECT_TRUE(has(outcome, aside.c_str())) << outcome.out;
  EXPECT_EQ(contents(kj::str(aside.c_str(), "/", fs::path(middle).filename().c_str())), original);
  EXPECT_EQ(contents(kj::str(aside.c_str(), "/", fs::path(segments.back()).filename().c_str())), last);
  for (int round = 0; round < 2; ++round) {
    auto read = reopen();
    EXPECT_EQ(read.start, 0);
    EXPECT_GT(read.end, baseOf(middle));
    EXPECT_LT(read.end, baseOf(segments[2]));
    EXPECT_EQ(read.offsets, read.end);
    EXPECT_TRUE(has(outcome, kj::str("--cut kept: offsets 0 to ", read.end - 1, " "))) << outcome.out;
  }
  EXPECT_TRUE(has(mend(options()), "nothing to repair"));
  // The other log is as it was.
  EXPECT_EQ(verify(store.path("native/words-1")).code, 0);
}

TEST_F(RepairNative, ACutAtTheVeryBeginning) {
  flip(segments[0].c_str(), 30);
  ASSERT_EQ(mend(cutting()).code, 0);
  auto read = reopen();
  EXPECT_EQ(read.start, 0);
  EXPECT_EQ(read.end, 0);
}

TEST_F(RepairNative, ACutWhereASegmentBegins) {
  flip(segments[2].c_str(), 30);
  ASSERT_EQ(mend(cutting()).code, 0);
  auto read = reopen();
  EXPECT_EQ(read.end, baseOf(segments[2]));
  EXPECT_FALSE(fs::exists(segments[2]));
}

TEST_F(RepairNative, ASegmentThatIsMissing) {
  auto base = baseOf(segments[1]);
  auto next = baseOf(segments[2]);
  fs::remove(segments[1]);
  auto said = mend(options());
  EXPECT_TRUE(has(said, kj::str("damaged: offsets ", base, " to ", next - 1, " (", next - base, "), 0 bytes")))
      << said.out;
  ASSERT_EQ(mend(cutting()).code, 0);
  EXPECT_EQ(reopen().end, base);
}

TEST_F(RepairNative, AnEndThatWasDurableAndIsGone) {
  fs::resize_file(segments.back(), 100);
  auto said = mend(options());
  EXPECT_TRUE(has(said, "damaged: offsets ")) << said.out;
  ASSERT_EQ(mend(cutting()).code, 0);
  EXPECT_EQ(reopen().end, baseOf(segments.back()));
}

TEST_F(RepairNative, ACopyKeepsEveryOffsetAndTakesTheLogsPlace) {
  flip(segments[1].c_str(), inSecondBatch(segments[1]));
  // The header of another batch: its length leads nowhere.
  flip(segments[2].c_str(), 9);
  auto before = fingerprint(logFolder());
  auto outcome = mend(copying());
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
  EXPECT_EQ(fingerprint(logFolder()), before) << "the log itself stays";
  EXPECT_TRUE(has(outcome, "2 gaps")) << outcome.out;
  EXPECT_EQ(verify(target.path("copy/native/words-0")).code, 0);
  fs::rename(logFolder().cStr(), target.path("aside").cStr());
  fs::rename(target.path("copy/native/words-0").cStr(), logFolder().cStr());
  auto read = reopen();
  EXPECT_EQ(read.start, 0);
  EXPECT_EQ(read.end, 1000);
  EXPECT_EQ(read.offsets, 1000);
  EXPECT_EQ(read.empty, 20);
}

// A batch that no consumer can read stops every one of them: it is left out as what is damaged is.
TEST_F(RepairNative, ABatchThatNobodyCanRead) {
  {
    DiskFileSystem files(store.path(), 32);
    auto engine = openNativeEngine(files, "native", {});
    {
      auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
      log->append(unreadableBatch(log->bounds().end, TimestampMs(1'800'000'000'000)));
      appendBatches(*log, 1);
      syncNow(*log);
    }
    engine->close();
  }
  auto outcome = mend(copying());
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
  EXPECT_TRUE(has(outcome, "damaged: offsets 1000 to 1009 (10), ")) << outcome.out;
  EXPECT_TRUE(has(outcome, "a batch whose records cannot be read")) << outcome.out;
  EXPECT_EQ(verify(target.path("copy/native/words-0")).code, 0);
  ASSERT_EQ(mend(cutting()).code, 0);
  auto read = reopen();
  EXPECT_EQ(read.end, 1000);
  EXPECT_EQ(verify(store.path("native/words-0")).code, 0);
}

TEST_F(RepairNative, ABatchThatNobodyCanReadAtTheEnd) {
  {
    DiskFileSystem files(store.path(), 32);
    auto engine = openNativeEngine(files, "native", {});
    {
      auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
      log->append(unreadableBatch(log->bounds().end, TimestampMs(1'800'000'000'000)));
      syncNow(*log);
    }
    engine->close();
  }
  auto outcome = mend(copying());
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
  EXPECT_TRUE(has(outcome, "damaged: offsets 1000 to 1009 (10), ")) << outcome.out;
  EXPECT_TRUE(has(outcome, "empty batches hold the place of 10 offsets")) << outcome.out;
}

// Wherever a bit flips: what was said to be kept is there afterwards, and nothing else.
TEST_F(RepairNative, EveryFewBytesOfABatch) {
  auto segment = segments[1].c_str();
  auto pristine = contents(segment);
  auto base = baseOf(segments[1]);
  for (uint64_t position = 0; position < 70; position += 3) {
    flip(segment, position);
    auto outcome = mend(copying());
    ASSERT_EQ(outcome.code, 0) << position << outcome.out << outcome.errors;
    if (position >= 12 && position < 16) {
      // The leader epoch: no checksum covers it.
      EXPECT_TRUE(has(outcome, "there is nothing to repair")) << position << outcome.out;
      std::ofstream(segment, std::ios::binary) << pristine;
      continue;
    }
    DiskFileSystem files(target.path("copy"), 32);
    auto engine = openNativeEngine(files, "native", {});
    {
      auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
      auto read = readAll(*log);
      EXPECT_EQ(read.end, 1000) << position << "\n" << outcome.out;
      EXPECT_EQ(read.offsets, 1000) << position;
      EXPECT_EQ(read.empty, 10) << position << "\n" << outcome.out;
      EXPECT_TRUE(has(outcome, kj::str("damaged: offsets ", base, " to ", base + 9, " (10)"))) << position << "\n"
                                                                                               << outcome.out;
    }
    engine = nullptr;
    fs::remove_all(target.path("copy").cStr());
    std::ofstream(segment, std::ios::binary) << pristine;
  }
}

TEST_F(RepairNative, ALogThatIsGoneBeginsAnewWhereItEnded) {
  auto recreate = [&](bool apply) {
    auto anew = options();
    anew.recreate = true;
    anew.apply = apply;
    return mend(kj::mv(anew));
  };
  for (bool folderIsGone : {false, true}) {
    SCOPED_TRACE(folderIsGone);
    if (folderIsGone) {
      fs::remove_all(logFolder().cStr());
    } else {
      for (auto& entry : fs::directory_iterator(logFolder().cStr())) {
        if (entry.path().extension() == ".log") segments.push_back(entry.path().string());
      }
      for (auto& segment : segments)
        fs::remove(segment);
    }
    EXPECT_NE(openFailure(), "");
    auto said = recreate(false);
    EXPECT_TRUE(has(said, "nothing was changed: add --apply")) << said.out;
    EXPECT_NE(openFailure(), "");
    auto outcome = recreate(true);
    ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
    EXPECT_TRUE(has(outcome, "began it anew, empty, at offset 1000")) << outcome.out;
    EXPECT_TRUE(fs::exists(store.path("native/words-0.1-unclaimed").cStr()));
    for (int round = 0; round < 2; ++round) {
      auto read = reopen();
      EXPECT_EQ(read.start, 1000);
      EXPECT_EQ(read.end, 1000);
    }
  }
  auto nobody = options();
  nobody.log = kj::str("nobody-0");
  nobody.recreate = nobody.apply = true;
  EXPECT_TRUE(kj::runCatchingExceptions([&] { mend(kj::mv(nobody)); }) != nullptr);
}

TEST_F(RepairNative, NotWhileABrokerRuns) {
  DiskFileSystem files(store.path(), 4);
  auto lock = files.tryLock("cambium.lock");
  auto outcome = mend(cutting());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.errors.find("a broker has "), std::string::npos) << outcome.errors;
}

TEST_F(RepairNative, OnlyLogsThatAreThere) {
  auto wrong = options();
  wrong.log = kj::str("nobody-0");
  EXPECT_EQ(mend(kj::mv(wrong)).code, 2);
  auto outside = options();
  outside.log = kj::str("../elsewhere");
  EXPECT_TRUE(kj::runCatchingExceptions([&] { mend(kj::mv(outside)); }) != nullptr);
}

TEST_F(RepairNative, AsJson) {
  flip(segments[1].c_str(), 30);
  auto all = options();
  all.json = true;
  auto outcome = mend(kj::mv(all));
  for (auto* part : {"{\"log\":\"words-0\",\"engine\":\"native\",\"startOffset\":0,\"gaps\":[{\"firstOffset\":",
                     "\"emptyOffsets\":10", "\"applied\":false}"})
    EXPECT_TRUE(has(outcome, part)) << part << "\n" << outcome.out;
}

// --- RocksDB

class RepairRocks : public ::testing::Test {
 public:
  ~RepairRocks() noexcept override = default;

 protected:
  void SetUp() override {
    std::ofstream(folder.path("cambium.properties").cStr())
        << "format=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nstate.engine=rocksdb\n";
    auto engine = openRocksEngine(store());
    {
      auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
      appendBatches(*log, 300);
      syncNow(*log);
      log->dropBefore(Offset(25));
    }
    engine->close();
    // The largest table file is that of the batches.
    std::string file;
    for (auto& entry : fs::directory_iterator(store().cStr())) {
      if (entry.path().extension() != ".sst") continue;
      if (file.empty() || entry.file_size() > fs::file_size(file)) file = entry.path().string();
    }
    flip(file.c_str(), fs::file_size(file) / 2);
  }
  kj::String store() const { return folder.path("rocksdb"); }
  RepairOptions options() { return {.dataDir = kj::str(folder.path()), .log = kj::str("words-0")}; }

  TemporaryFolder folder;
  TemporaryFolder target;
};

TEST_F(RepairRocks, ACutEndsTheLogThereAndKeepsTheRestAside) {
  auto said = mend(options());
  EXPECT_EQ(said.code, 0);
  EXPECT_TRUE(has(said, "log words-0 (rocksdb)")) << said.out;
  EXPECT_TRUE(has(said, "from offset 25 on")) << said.out;
  EXPECT_TRUE(has(said, "damaged: offsets ")) << said.out;
  auto all = options();
  all.cut = all.apply = true;
  auto outcome = mend(kj::mv(all));
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
  auto engine = openRocksEngine(store());
  {
    auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
    auto read = readAll(*log);
    EXPECT_EQ(read.start, 25);
    EXPECT_GT(read.end, 100);
    EXPECT_LT(read.end, 3000);
    EXPECT_TRUE(has(outcome, kj::str(" to ", read.end - 1, " ("))) << outcome.out;
    appendBatches(*log, 1);
    EXPECT_EQ(log->bounds().end.value(), read.end + 10);
    // What was behind the damage, and sound, lies in a segment file.
    auto aside = contents(folder.path("words-0.cut.1.log"));
    auto kept = describeBatches(kj::StringPtr(aside.data(), aside.size()).asBytes());
    EXPECT_TRUE(kept.endsWith("[2990..2999]")) << kept.cStr();
  }
  engine->close();
}

TEST_F(RepairRocks, ACopyKeepsEveryOffset) {
  auto all = options();
  all.copyTo = target.path("copy");
  all.apply = true;
  auto outcome = mend(kj::mv(all));
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.errors;
  DiskFileSystem files(target.path("copy"), 32);
  auto engine = openNativeEngine(files, "native", {});
  auto log = engine->open(LogId{kj::str("words-0"), topicId(1)}, {});
  auto read = readAll(*log);
  EXPECT_EQ(read.start, 25);
  EXPECT_EQ(read.end, 3000);
  EXPECT_EQ(read.offsets, 2980) << "the first batch is returned whole";
  EXPECT_GE(read.empty, 10);
}

}  // namespace
}  // namespace cambium::tools
