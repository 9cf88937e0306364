#include <gtest/gtest.h>

#include <kj/thread.h>

#include "backends/native/native_tables.h"
#include "backends/native/table_journal.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

constexpr kj::StringPtr kJournal = "data/tables/0000000000000001.journal"_kj;
// Taken away where a test shows what a power loss leaves, which takes what the mark says of the last commits.
constexpr kj::StringPtr kMark = "data/tables.sync-mark"_kj;

void put(StorageEngine& engine, kj::StringPtr key, kj::StringPtr value) {
  TableChange change{"offsets"_kj, key.asBytes(), ByteView(value.asBytes())};
  engine.commit(kj::arrayPtr(&change, 1));
}

std::string rowsOf(StorageEngine& engine) {
  std::string rows;
  engine.scan("offsets", nullptr, [&](ByteView key, ByteView value) {
    rows += kj::str(key.asChars(), "=", value.asChars(), " ").cStr();
    return true;
  });
  return rows;
}

kj::Array<kj::byte> makeJournal(MemoryFileSystem& files, kj::Vector<size_t>& ends) {
  auto engine = openEngine(files);
  for (auto key : {"a"_kj, "b"_kj, "c"_kj}) {
    put(*engine, key, "value");
    ends.add(files.open(kJournal, FileSystem::Mode::kRead)->size());
  }
  return fileOf(files, kJournal);
}

std::string expectedRows(size_t commits) {
  return std::string("a=value b=value c=value ").substr(0, commits * 8);
}

TEST(NativeTables, AJournalTornAtAnyByteLosesOnlyTheTornCommit) {
  kj::Vector<size_t> ends;
  MemoryFileSystem original;
  auto journal = makeJournal(original, ends);
  for (size_t size = table_journal::kHeaderBytes; size <= journal.size(); ++size) {
    SCOPED_TRACE(size);
    MemoryFileSystem files;
    kj::Vector<size_t> ignored;
    makeJournal(files, ignored);
    putFile(files, kJournal, journal.slice(0, size));
    files.removeFile(kMark);
    size_t commits = 0;
    while (commits < ends.size() && ends[commits] <= size)
      ++commits;
    kj::Vector<kj::String> lines;
    auto engine = openEngine(files, &lines);
    EXPECT_EQ(rowsOf(*engine), expectedRows(commits));
    size_t whole = commits == 0 ? table_journal::kHeaderBytes : ends[commits - 1];
    EXPECT_EQ(contains(lines, "torn commit"), size != whole);
    put(*engine, "d", "later");
    engine = nullptr;
    engine = openEngine(files);
    EXPECT_EQ(rowsOf(*engine), expectedRows(commits) + "d=later ");
  }
}

TEST(NativeTables, DamageAnywhereIsRefused) {
  kj::Vector<size_t> ends;
  MemoryFileSystem files;
  auto journal = makeJournal(files, ends);
  for (uint64_t bit = 0; bit < journal.size() * 8; bit += 3) {
    SCOPED_TRACE(bit);
    files.flipBit(kJournal, bit);
    auto failure = thrownBy([&] { openEngine(files); });
    EXPECT_NE(failure.find("0000000000000001.journal"), std::string::npos) << failure;
    EXPECT_EQ(files.open(kJournal, FileSystem::Mode::kRead)->size(), journal.size());
    files.flipBit(kJournal, bit);
  }
  EXPECT_EQ(rowsOf(*openEngine(files)), expectedRows(3));
  kj::StringPtr snapshot = "data/tables/0000000000000001.snapshot";
  for (uint64_t bit = 0; bit < files.open(snapshot, FileSystem::Mode::kRead)->size() * 8; ++bit) {
    files.flipBit(snapshot, bit);
    EXPECT_NE(thrownBy([&] { openEngine(files); }), "") << bit;
    files.flipBit(snapshot, bit);
  }
  files.removeFile(snapshot);
  EXPECT_NE(thrownBy([&] { openEngine(files); }).find("no snapshot"), std::string::npos);
}

// Commits whose first record ends such that the next one's body begins `before` bytes in front of a sector's end; then
// `later` more. Returns where the second record's body begins.
size_t makeJournalAcrossASector(MemoryFileSystem& files, size_t before, int later) {
  auto engine = openEngine(files);
  put(*engine, "a", "");
  size_t smallest = files.open(kJournal, FileSystem::Mode::kRead)->size();
  engine = nullptr;
  files.removeTree("data");
  engine = openEngine(files);
  size_t bodyBegin = 512 - before;
  put(*engine, "a", kj::str(kj::repeat('x', bodyBegin - table_journal::kRecordHeaderBytes - smallest)));
  for (int i = 0; i < 1 + later; ++i)
    put(*engine, kj::str("k", i), kj::str(kj::repeat('v', 1000)));
  return bodyBegin;
}

TEST(NativeTables, DamageNearASectorsEndIsNotTakenForATornEnd) {
  for (size_t before = 0; before <= 8; ++before) {
    for (int later : {0, 2}) {
      SCOPED_TRACE(kj::str(before, " ", later).cStr());
      MemoryFileSystem files;
      size_t bodyBegin = makeJournalAcrossASector(files, before, later);
      auto size = files.open(kJournal, FileSystem::Mode::kRead)->size();
      files.flipBit(kJournal, (bodyBegin + 100) * 8);
      EXPECT_NE(thrownBy([&] { openEngine(files); }).find("does not match"), std::string::npos);
      EXPECT_EQ(files.open(kJournal, FileSystem::Mode::kRead)->size(), size);
    }
  }
}

TEST(NativeTables, AnUnwrittenSectorIsATornEndOnlyWhenNothingSoundFollows) {
  for (size_t from : {512, 1024}) {
    for (int later : {0, 1}) {
      SCOPED_TRACE(kj::str(from, " ", later).cStr());
      MemoryFileSystem files;
      size_t position = makeJournalAcrossASector(files, 4, later) - table_journal::kRecordHeaderBytes;
      auto journal = fileOf(files, kJournal);
      memset(journal.begin() + from, 0, 512);
      putFile(files, kJournal, journal);
      files.removeFile(kMark);
      if (later > 0) {
        EXPECT_NE(thrownBy([&] { openEngine(files); }).find("later ones are sound"), std::string::npos);
        EXPECT_TRUE(fileOf(files, kJournal) == journal.asPtr());
        continue;
      }
      kj::Vector<kj::String> lines;
      auto engine = openEngine(files, &lines);
      EXPECT_TRUE(contains(lines, "set aside in"));
      EXPECT_TRUE(fileOf(files, kj::str(kJournal, ".cut-", position)) == journal.slice(position, journal.size()));
      put(*engine, "b", "2");
      engine = nullptr;
      engine = openEngine(files);
      EXPECT_TRUE(engine->get("offsets", "b"_kj.asBytes()) != nullptr);
      EXPECT_TRUE(engine->get("offsets", "k0"_kj.asBytes()) == nullptr);
    }
  }
}

TEST(NativeTables, ALargeJournalBecomesASnapshotAtAnyCrash) {
  auto large = kj::heapString(300'000);
  memset(large.begin(), 'x', large.size());
  for (uint64_t n = 1;; ++n) {
    SCOPED_TRACE(n);
    MemoryFileSystem files;
    auto engine = openEngine(files);
    for (int i = 0; i < 3; ++i)
      put(*engine, "big", large);
    put(*engine, "a", "1");
    files.failAt(n, MemoryFileSystem::Fault::kPowerOff);
    bool committed = thrownBy([&] { put(*engine, "big", large); }) == "";
    bool again = committed && thrownBy([&] { put(*engine, "b", "2"); }) == "";
    engine = nullptr;
    files.crashPartly(n);
    engine = openEngine(files);
    EXPECT_EQ(KJ_ASSERT_NONNULL(engine->get("offsets", "big"_kj.asBytes())).size(), large.size());
    EXPECT_TRUE(engine->get("offsets", "a"_kj.asBytes()) != nullptr);
    if (again) EXPECT_TRUE(engine->get("offsets", "b"_kj.asBytes()) != nullptr);
    put(*engine, "c", "3");
    if (!again) continue;
    EXPECT_TRUE(files.exists("data/tables/0000000000000002.snapshot"));
    EXPECT_FALSE(files.exists(kJournal));
    return;
  }
}

// What an engine that died, or could not sync, left in the system's cache: a later engine's commits build on it.
TEST(NativeTables, CommitsAfterAKillOutliveAPowerLoss) {
  using Fault = MemoryFileSystem::Fault;
  auto large = kj::heapString(300'000);
  memset(large.begin(), 'x', large.size());
  for (bool toSnapshot : {false, true}) {
    for (auto fault : {Fault::kPowerOff, Fault::kIoError}) {
      bool whole = false;
      for (uint64_t n = 1; !whole; ++n) {
        SCOPED_TRACE(kj::str("at call ", n, toSnapshot ? " of a snapshot" : " of the first commit").cStr());
        MemoryFileSystem files;
        auto engine = openEngine(files);
        for (int i = 0; toSnapshot && i < 3; ++i)
          put(*engine, "big", large);
        files.failAt(n, fault);
        whole = thrownBy([&] { put(*engine, "big", large); }) == "" && thrownBy([&] { put(*engine, "a", "1"); }) == "";
        engine = nullptr;
        files.crash({.kind = MemoryFileSystem::Loss::Kind::kNothing});
        engine = openEngine(files);
        put(*engine, "b", "2");
        engine = nullptr;
        files.crash();
        engine = openEngine(files);
        EXPECT_TRUE(engine->get("offsets", "b"_kj.asBytes()) != nullptr);
        if (toSnapshot || whole) EXPECT_TRUE(engine->get("offsets", "big"_kj.asBytes()) != nullptr);
        if (toSnapshot && whole) EXPECT_TRUE(files.exists("data/tables/0000000000000002.snapshot"));
      }
    }
  }
}

TEST(NativeTables, AFullDeviceRefusesOneCommitAndAFailedSyncAllLaterOnes) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  put(*engine, "a", "1");
  files.failAt(1, MemoryFileSystem::Fault::kNoSpace);
  EXPECT_NE(thrownBy([&] { put(*engine, "b", "2"); }), "");
  put(*engine, "c", "3");
  EXPECT_EQ(rowsOf(*engine), "a=1 c=3 ");
  files.failAt(2, MemoryFileSystem::Fault::kIoError);
  EXPECT_NE(thrownBy([&] { put(*engine, "d", "4"); }), "");
  EXPECT_NE(thrownBy([&] { put(*engine, "e", "5"); }).find("broken"), std::string::npos);
  EXPECT_EQ(rowsOf(*engine), "a=1 c=3 ");
}

TEST(NativeTables, CommitsOfManyThreadsAllArrive) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  {
    kj::Vector<kj::Own<kj::Thread>> threads;
    for (int t = 0; t < 4; ++t) {
      threads.add(kj::heap<kj::Thread>([&engine, t] {
        for (int i = 0; i < 50; ++i)
          put(*engine, kj::str(t, "-", i), "x");
      }));
    }
  }
  files.crash();
  engine = nullptr;
  engine = openEngine(files);
  size_t rows = 0;
  engine->scan("offsets", nullptr, [&](ByteView, ByteView) { return ++rows > 0; });
  EXPECT_EQ(rows, 200u);
}

}  // namespace
}  // namespace cambium
