#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "engine/record/batch_view.h"
#include "tests/unit/inspect/stores.h"

namespace cambium::tools {
namespace {

namespace fs = std::filesystem;

bool has(const Outcome& outcome, kj::StringPtr part) {
  return outcome.out.find(part.cStr()) != std::string::npos;
}

// The names of a log's segments without suffix, in order.
std::vector<std::string> segments(kj::StringPtr folder) {
  std::vector<std::string> names;
  for (auto& entry : fs::directory_iterator(folder.cStr())) {
    if (entry.path().extension() == ".log") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Where the n-th batch of a segment begins.
uint64_t positionOf(kj::StringPtr path, int n) {
  auto text = contents(path);
  uint64_t position = 0;
  for (int i = 0; i < n; ++i) {
    auto rest = kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()) + position, text.size() - position);
    position += static_cast<uint64_t>(BatchView::claimedSize(rest));
  }
  return position;
}

// The files of a folder that end so.
std::string fileOf(kj::StringPtr folder, kj::StringPtr suffix) {
  for (auto& entry : fs::directory_iterator(folder.cStr())) {
    if (entry.path().extension() == suffix.cStr()) return entry.path().string();
  }
  return "";
}

class NativeInspection : public ::testing::Test {
 protected:
  ~NativeInspection() noexcept override = default;

  void makeClean() {
    store_.fill();
    store_.closeCleanly();
  }
  kj::String log(int partition) const { return store_.path(kj::str("native/words-", partition)); }
  kj::String segment(int partition, size_t index, kj::StringPtr suffix) const {
    return kj::str(log(partition), "/", segments(log(partition))[index].c_str(), suffix);
  }
  // Damage that --verify must tell, of the file itself, its log, the store and the data directory alike.
  void expectDamage(kj::StringPtr file, kj::StringPtr part) {
    for (auto& path : {kj::str(file), kj::str(fs::path(file.cStr()).parent_path().c_str()), store_.path("native"),
                       kj::str(store_.path())}) {
      auto outcome = verify(path);
      EXPECT_EQ(outcome.code, 1) << path.cStr();
      EXPECT_TRUE(has(outcome, kj::str(file, ": ", part))) << path.cStr() << "\n" << outcome.out;
    }
  }

  NativeStore store_;
};

TEST_F(NativeInspection, CleanStoreIsOkAndUntouched) {
  makeClean();
  ASSERT_GE(segments(log(0)).size(), 2u);
  auto before = fingerprint(store_.path());
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out, "ok: 0 errors, 0 warnings, 0 notes; checked 200 batches, 2000 records, " + std::to_string([&] {
                           uint64_t bytes = 0;
                           for (int p : {0, 1}) {
                             for (auto& name : segments(log(p)))
                               bytes += fileSize(kj::str(log(p), "/", name.c_str(), ".log"));
                           }
                           return bytes;
                         }()) +
                             " bytes\n");
  EXPECT_EQ(outcome.errors, "");
  auto deep = look(
      {.path = kj::str(store_.path()), .verify = true, .json = true, .records = true, .deep = true, .entries = true});
  EXPECT_EQ(deep.code, 0);
  EXPECT_EQ(fingerprint(store_.path()), before);
}

// 100 batches become 80, of which ten hold no record.
TEST_F(NativeInspection, CompactedLogsAreOk) {
  store_.fill();
  for (int partition : {0, 1}) {
    auto log = store_.open(partition);
    compact(*log);
    if (partition == 1) appendBatches(*log, 10);
  }
  store_.closeCleanly();
  auto outcome = look({.path = kj::str(store_.path()), .verify = true, .records = true, .deep = true, .entries = true});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_TRUE(has(outcome, "0 errors, 0 warnings, 0 notes; checked 170 batches, 1500 records")) << outcome.out;
  EXPECT_TRUE(has(outcome, "recordCount=0")) << outcome.out;
  for (auto suffix : {".log", ".index", ".timeindex"})
    EXPECT_EQ(verify(segment(0, 0, suffix)).code, 0) << suffix;
}

TEST_F(NativeInspection, WhatRewritesLeaveIsTold) {
  makeClean();
  auto left = kj::str(segment(0, 0, ".log"), ".7.cleaned");
  std::ofstream(left.cStr()) << "x";
  auto outcome = verify(log(0));
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_TRUE(has(outcome, kj::str(left, ": of a rewrite"))) << outcome.out;
  auto swap = kj::str(segment(0, 0, ".log"), ".swap");
  fs::rename(left.cStr(), swap.cStr());
  outcome = verify(log(0));
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_TRUE(has(outcome, kj::str(log(0), ": putting a rewritten segment in place was interrupted"))) << outcome.out;
}

TEST_F(NativeInspection, EveryKindIsRecognised) {
  makeClean();
  struct Case {
    kj::String path;
    kj::StringPtr kind;
  };
  auto tables = store_.path("native/tables");
  Case cases[] = {
      {kj::str(store_.path()), "data directory"},
      {store_.path("native"), "native store"},
      {log(0), "partition folder"},
      {kj::str(tables), "tables folder"},
      {segment(0, 0, ".log"), "segment"},
      {segment(0, 0, ".index"), "offset index"},
      {segment(0, 0, ".timeindex"), "time index"},
      {kj::str(fileOf(tables, ".journal").c_str()), "tables journal"},
      {kj::str(fileOf(tables, ".snapshot").c_str()), "tables snapshot"},
      {store_.path("native/recovery-checkpoint"), "recovery checkpoint"},
      {kj::str(log(0), "/log-state"), "log state"},
  };
  for (auto& each : cases) {
    for (bool withVerify : {false, true}) {
      auto outcome = look({.path = kj::str(each.path), .verify = withVerify, .json = true});
      EXPECT_EQ(outcome.code, 0) << outcome.out;
      EXPECT_TRUE(has(outcome, kj::str("\"kind\":\"", each.kind, "\""))) << outcome.out;
    }
  }
}

TEST_F(NativeInspection, UnknownThingsAreWrongUsage) {
  std::ofstream(store_.path("notes.txt").cStr()) << "nothing of ours";
  for (auto name : {"notes.txt"_kj, "no-such-file"_kj}) {
    auto outcome = verify(store_.path(name));
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.errors.find(name.cStr()), std::string::npos) << outcome.errors;
  }
}

TEST_F(NativeInspection, APipeInAFilesPlaceIsNotWaitedFor) {
  auto pipe = store_.path("00000000000000000000.log");
  ASSERT_EQ(mkfifo(pipe.cStr(), 0600), 0);
  for (kj::StringPtr path : {pipe.asPtr(), "/dev/null"_kj}) {
    auto outcome = verify(path);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.errors.find("is no plain file"), std::string::npos) << outcome.errors;
  }
  makeClean();
  auto file = segment(0, 0, ".log");
  fs::remove(file.cStr());
  ASSERT_EQ(mkfifo(file.cStr(), 0600), 0);
  auto outcome = verify(log(0));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "it is no plain file")) << outcome.out;
}

// As Kafka makes the indexes of the segment that it writes to.
TEST_F(NativeInspection, RoomForFurtherEntriesIsOneNote) {
  makeClean();
  auto copy = store_.path("copy/words-0");
  fs::create_directories(copy.cStr());
  auto names = segments(log(0));
  fs::copy_file(kj::str(log(0), "/partition.metadata").cStr(), kj::str(copy, "/partition.metadata").cStr());
  for (auto suffix : {".log", ".index", ".timeindex"}) {
    auto file = kj::str(copy, "/", names.back().c_str(), suffix);
    fs::copy_file(kj::str(log(0), "/", names.back().c_str(), suffix).cStr(), file.cStr());
    bool isIndex = suffix != std::string(".log");
    if (isIndex) fs::resize_file(file.cStr(), fileSize(file) + 12 * 800'000);
  }
  auto outcome = verify(copy);
  EXPECT_LT(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 12) << outcome.out.substr(0, 2000);
  EXPECT_TRUE(has(outcome, " 1200000 entries of zeros")) << outcome.out.substr(0, 2000);
  EXPECT_TRUE(has(outcome, " 800000 entries of zeros")) << outcome.out.substr(0, 2000);
}

TEST_F(NativeInspection, FlippedPayloadByte) {
  makeClean();
  auto file = segment(0, 0, ".log");
  auto position = positionOf(file, 4);
  flip(file, position + batch_layout::kHeaderBytes + 30);
  expectDamage(file,
               kj::str("position ", position,
                       ": batch at offset 40: the checksum of the batch does not match its contents; expected 0x"));
  // One fault, one error: what follows is sound.
  EXPECT_TRUE(has(verify(store_.path()), "damaged: 1 errors, 0 warnings, 0 notes; checked 199 batches, 1990 records"));
}

// As a broker may have taken it that looked at no record.
TEST_F(NativeInspection, ABatchThatNobodyCanReadIsAnError) {
  store_.fill();
  {
    auto log = store_.open(0);
    auto end = log->bounds().end;
    log->append(unreadableBatch(end, TimestampMs(1'800'000'000'000)));
    appendBatches(*log, 1);
    syncNow(*log);
  }
  store_.closeCleanly();
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "batch at offset 1000: the records of the batch cannot be read, its checksum is right"))
      << outcome.out;
  EXPECT_TRUE(has(outcome, "damaged: 1 errors, 0 warnings, 0 notes; checked 202 batches")) << outcome.out;
  EXPECT_EQ(look({.path = kj::str(store_.path())}).code, 0) << "it is looked for when verifying";
}

TEST_F(NativeInspection, FlippedHeaderBytes) {
  makeClean();
  auto file = segment(0, 0, ".log");
  auto position = positionOf(file, 4);
  // Every byte of a header, one after another: always one error, at the right place.
  for (uint64_t at = 0; at < batch_layout::kHeaderBytes; ++at) {
    if (at >= batch_layout::kLeaderEpoch && at < batch_layout::kMagic) continue;  // stamped, and not checksummed
    flip(file, position + at);
    auto outcome = verify(file);
    EXPECT_EQ(outcome.code, 1) << at;
    EXPECT_TRUE(has(outcome, kj::str(file, ": position ", position, ": batch at offset 40: "))) << at << outcome.out;
    EXPECT_TRUE(has(outcome, "damaged: 1 errors")) << at << "\n" << outcome.out;
    flip(file, position + at);
  }
  EXPECT_EQ(verify(file).code, 0);
}

TEST_F(NativeInspection, FlippedByteOfTheLastBatchOfAClosedLog) {
  makeClean();
  auto last = segments(log(1)).size() - 1;
  auto file = segment(1, last, ".log");
  flip(file, fileSize(file) - 5);
  expectDamage(file, "position ");
}

TEST_F(NativeInspection, FlippedOffsetIndexBytes) {
  makeClean();
  auto file = segment(0, 0, ".index");
  ASSERT_GE(fileSize(file), 5u * 8);
  // The offset, the position, high and low: entry 2 is at byte 16.
  for (uint64_t at : {17, 19, 21, 23}) {
    flip(file, at);
    expectDamage(file, "position 16: entry 2: ");
    EXPECT_TRUE(has(verify(store_.path()), "damaged: 1 errors")) << at;
    flip(file, at);
  }
}

TEST_F(NativeInspection, FlippedTimeIndexBytes) {
  makeClean();
  auto file = segment(0, 0, ".timeindex");
  ASSERT_GE(fileSize(file), 5u * 12);
  for (uint64_t at : {24 + 3, 24 + 7, 24 + 9, 24 + 11}) {
    flip(file, at);
    expectDamage(file, "position 24: entry 2: ");
    EXPECT_TRUE(has(verify(store_.path()), "damaged: 1 errors")) << at;
    flip(file, at);
  }
}

TEST_F(NativeInspection, FlippedTableBytes) {
  makeClean();
  auto tables = store_.path("native/tables");
  auto journal = kj::str(fileOf(tables, ".journal").c_str());
  flip(journal, fileSize(journal) / 2);
  expectDamage(journal, "position ");
  flip(journal, fileSize(journal) / 2);
  flip(journal, 9);
  expectDamage(journal, "position 0: ");
  flip(journal, 9);
  auto snapshot = kj::str(fileOf(tables, ".snapshot").c_str());
  flip(snapshot, fileSize(snapshot) / 2);
  expectDamage(snapshot, "position 4: the snapshot of the tables does not match its checksum; expected 0x");
}

TEST_F(NativeInspection, FlippedCheckpointAndState) {
  makeClean();
  auto state = kj::str(log(0), "/log-state");
  flip(state, fileSize(state) / 2);
  expectDamage(state, "position 4: the state of the log does not match its checksum; expected 0x");
  flip(state, fileSize(state) / 2);
  auto checkpoint = store_.path("native/recovery-checkpoint");
  flip(checkpoint, fileSize(checkpoint) / 2);
  for (auto& path : {kj::str(checkpoint), store_.path("native"), kj::str(store_.path())}) {
    auto outcome = verify(path);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(has(outcome, kj::str(checkpoint, ": position 4: the recovery checkpoint does not match its checksum")))
        << outcome.out;
  }
}

TEST_F(NativeInspection, TornTailOfAKilledStoreIsANote) {
  store_.fill();
  {
    auto log = store_.open(0);
    appendBatches(*log, 3);
  }
  store_.kill();
  EXPECT_EQ(verify(store_.path()).code, 0) << verify(store_.path()).out;
  auto last = segments(log(0)).size() - 1;
  auto file = segment(0, last, ".log");
  auto size = fileSize(file);
  fs::resize_file(file.cStr(), size - 7);
  for (auto& path : {kj::str(file), log(0), kj::str(store_.path())}) {
    auto outcome = verify(path);
    EXPECT_EQ(outcome.code, 0) << outcome.out;
    EXPECT_TRUE(has(outcome, "note        ")) << outcome.out;
    EXPECT_TRUE(has(outcome, "it will be cut on the next start")) << outcome.out;
  }
  // Garbage there is nothing else after a power loss. While the machine runs on, no killed process leaves it.
  std::ofstream(file.cStr(), std::ios::app | std::ios::binary) << std::string(300, '\xff');
  EXPECT_EQ(verify(store_.path()).code, 1);
  fs::remove(kj::str(log(0), "/sync-mark").cStr());
  EXPECT_EQ(verify(store_.path()).code, 0);
}

TEST_F(NativeInspection, DamageBeforeTheTailOfAKilledStoreIsAnError) {
  store_.fill();
  store_.kill();
  auto last = segments(log(0)).size() - 1;
  auto file = segment(0, last, ".log");
  auto position = positionOf(file, 1);
  flip(file, position + 100);
  expectDamage(file, kj::str("position ", position, ": batch at offset "));
}

TEST_F(NativeInspection, AnEndThatWasSyncedAndIsGoneIsAnError) {
  store_.fill();
  {
    auto log = store_.open(0);
    appendBatches(*log, 3);
    syncNow(*log);
  }
  store_.kill();
  auto file = segment(0, segments(log(0)).size() - 1, ".log");
  fs::resize_file(file.cStr(), fileSize(file) - 7);
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "the segment is shorter than what was synced")) << outcome.out;
}

TEST_F(NativeInspection, ALogThatIsGoneIsAnErrorAlsoAfterAKill) {
  store_.fill();
  store_.kill();
  fs::remove_all(log(1).cStr());
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "partition 1 of topic words has no log")) << outcome.out;
}

TEST_F(NativeInspection, TablesThatAreGoneAreAnError) {
  store_.fill();
  store_.kill();
  fs::remove_all(store_.path("native/tables").cStr());
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "commits are missing that were durable")) << outcome.out;
}

TEST_F(NativeInspection, TornTailOfASealedSegmentIsAnError) {
  store_.fill();
  store_.kill();
  auto file = segment(0, 0, ".log");
  fs::resize_file(file.cStr(), fileSize(file) - 7);
  expectDamage(file, "position ");
}

TEST_F(NativeInspection, MissingSegmentAndShortIndex) {
  makeClean();
  auto names = segments(log(0));
  ASSERT_GE(names.size(), 3u);
  auto missing = segment(0, 1, ".log");
  fs::rename(missing.cStr(), store_.path("kept").cStr());
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, kj::str(missing, ": a segment is missing that the log's state lists"))) << outcome.out;
  EXPECT_TRUE(
      has(outcome, kj::str("does not continue this one; one may be missing; expected a segment ", names[1].c_str())))
      << outcome.out;
  fs::rename(store_.path("kept").cStr(), missing.cStr());

  auto index = segment(0, 0, ".index");
  fs::resize_file(index.cStr(), fileSize(index) - 8);
  expectDamage(segment(0, 0, ".index"), "the index is short");
}

TEST_F(NativeInspection, TopicsAndLogsAreCompared) {
  makeClean();
  fs::rename(log(1).cStr(), store_.path("native/other-0").cStr());
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(has(outcome, "partition 1 of topic words has no log")) << outcome.out;
  EXPECT_TRUE(has(outcome, "warning     ")) << outcome.out;
  EXPECT_TRUE(has(outcome, "other-0: no topic has this log")) << outcome.out;
}

TEST_F(NativeInspection, CopiesOfMovesAreNobodysLogs) {
  store_.fill();
  // As a broker that was killed behind the switch leaves it; the log in charge is in the other engine.
  commitTopic(store_.engine(), "words", topicId(1), 2, "rocksdb", "native");
  store_.closeCleanly();
  auto outcome = verify(store_.path());
  EXPECT_TRUE(has(outcome, "words-0: a copy that a move between engines was making, or has left behind"))
      << outcome.out;
  EXPECT_FALSE(has(outcome, "no topic has this log")) << outcome.out;
  EXPECT_TRUE(has(look({.path = kj::str(store_.path())}), "otherEngine=native"));
}

TEST_F(NativeInspection, ListsWhatWasAskedFor) {
  makeClean();
  auto listed = look({.path = kj::str(store_.path()),
                      .records = true,
                      .from = Offset(25),
                      .to = Offset(31),
                      .topic = kj::str("words"),
                      .partition = PartitionIndex(1)});
  EXPECT_EQ(listed.code, 0);
  EXPECT_FALSE(has(listed, "name=words-0")) << listed.out;
  EXPECT_TRUE(has(listed, "name=words-1")) << listed.out;
  EXPECT_FALSE(has(listed, "value-24-"));
  for (int i = 25; i <= 30; ++i)
    EXPECT_TRUE(has(listed, kj::str("value=\"value-", i, "-xxx"))) << i;
  EXPECT_FALSE(has(listed, "value-31-"));
  EXPECT_TRUE(has(listed, "codec=zstd"));

  auto limited = look({.path = log(0), .json = true, .batchesMax = uint64_t{2}});
  EXPECT_TRUE(has(limited, "\"baseOffset\":10,\"lastOffset\":19")) << limited.out;
  EXPECT_FALSE(has(limited, "\"baseOffset\":20,\"lastOffset\":29")) << limited.out;
}

TEST_F(NativeInspection, TablesAreTakenApart) {
  makeClean();
  auto listed = look({.path = kj::str(store_.path())});
  EXPECT_TRUE(has(listed, "group=readers")) << listed.out;
  EXPECT_TRUE(has(listed, "offset=42")) << listed.out;
  EXPECT_TRUE(has(listed, "topic=words")) << listed.out;
  EXPECT_TRUE(has(listed, "revision=7")) << listed.out;
  EXPECT_TRUE(has(listed, "name=retention.ms value=-1")) << listed.out;
  auto journal = look({.path = kj::str(fileOf(store_.path("native/tables"), ".journal").c_str())});
  EXPECT_TRUE(has(journal, "commit")) << journal.out;
  EXPECT_TRUE(has(journal, "offset=42")) << journal.out;
}

}  // namespace
}  // namespace cambium::tools
