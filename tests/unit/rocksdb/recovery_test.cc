#include <fstream>

#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

class Recovery : public RocksTest {
 public:
  ~Recovery() noexcept override = default;

 protected:
  void flip(const std::string& name, uint64_t position) {
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(position));
    char c = static_cast<char>(file.get() ^ 0x40);
    file.seekp(static_cast<std::streamoff>(position));
    file.put(c);
  }
  // The one log file with something in it.
  std::string walFile() {
    std::string found;
    for (auto& name : files(".log")) {
      if (std::filesystem::file_size(name) > 0) found = name;
    }
    return found;
  }
  // A power loss may leave an older note of what was durable; without one, what a test cuts counts as not synced.
  static void forgetWhatWasDurable(kj::StringPtr store) { std::filesystem::remove(kj::str(store, "/DURABLE").cStr()); }
  void copyStore(kj::StringPtr to) {
    std::filesystem::remove_all(to.cStr());
    std::filesystem::copy(path_.cStr(), to.cStr(), std::filesystem::copy_options::recursive);
  }
};

// The write-ahead log, cut at every third length: whole batches from the beginning, never less than before the cut,
// never anything else.
TEST_F(Recovery, CutsATornTailAtAnyLength) {
  open();
  {
    auto words = log("words");
    add(*words, 2, 1);
  }
  kill();
  auto copy = folder_.path("copy");
  auto wal = walFile();
  auto size = std::filesystem::file_size(wal);
  auto name = std::filesystem::path(wal).filename();
  int64_t last = 0;
  for (uint64_t cut = size % 3; cut <= size; cut += 3) {
    copyStore(copy);
    std::filesystem::resize_file(std::filesystem::path(copy.cStr()) / name, cut);
    auto engine = rocks::openRocksEngineOn(faults_.fileSystem(), copy, {}, {});
    auto words = engine->open(testLogId("words"), {});
    auto bounds = words->bounds();
    EXPECT_EQ(bounds.start.value(), 0);
    EXPECT_EQ(bounds.durable.value(), bounds.end.value());
    EXPECT_EQ(bounds.end.value() % 10, 0);
    EXPECT_GE(bounds.end.value(), last) << cut;
    expectWhole(*words, 1);
    last = bounds.end.value();
  }
  EXPECT_EQ(last, 20);
}

TEST_F(Recovery, RefusesDamageInTheMiddleAndGoesOnWhenToldTo) {
  open();
  {
    auto words = log("words");
    add(*words, 20, 1000);
    syncNow(*words);
  }
  kill();
  auto wal = walFile();
  flip(wal, std::filesystem::file_size(wal) / 2);
  auto message = failureOf([&] { open(); });
  EXPECT_NE(message.find("is damaged at position"), std::string::npos) << message;
  EXPECT_NE(message.find(path_.cStr()), std::string::npos) << message;
  // Nothing was changed by the attempt.
  EXPECT_NE(failureOf([&] { open(); }), "");

  options_.stopAtDamage = true;
  open();
  auto words = log("words");
  EXPECT_GT(words->bounds().end.value(), 0);
  EXPECT_LT(words->bounds().end.value(), 200);
  expectWhole(*words);
  add(*words, 1);
}

// After a power loss any of the sectors that were not synced may be missing, also in front of others that are there.
TEST_F(Recovery, CutsAtASectorThatWasNeverWritten) {
  open();
  uint64_t synced = 0;
  std::string wal;
  {
    auto words = log("words");
    add(*words, 2);
    syncNow(*words);
    wal = walFile();
    synced = std::filesystem::file_size(wal);
    add(*words, 8);
  }
  kill();
  auto size = std::filesystem::file_size(wal);
  auto copy = folder_.path("copy");
  int64_t last = 20;
  size_t setAside = 0;
  for (uint64_t from = synced; from < size; from = (from / 512 + 1) * 512) {
    SCOPED_TRACE(from);
    copyStore(copy);
    auto damaged = std::filesystem::path(copy.cStr()) / std::filesystem::path(wal).filename();
    {
      std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(from));
      for (uint64_t i = from; i < std::min(size, (from / 512 + 1) * 512); ++i)
        file.put(0);
    }
    kj::Vector<kj::String> lines;
    auto engine = rocks::openRocksEngineOn(faults_.fileSystem(), copy, {},
                                           {.report = [&](kj::StringPtr line) { lines.add(kj::str(line)); }});
    auto words = engine->open(testLogId("words"), {});
    EXPECT_GE(words->bounds().end.value(), last);
    last = words->bounds().end.value();
    expectWhole(*words);
    // A sector in which a record begins ends the log for the library itself.
    for (auto& line : lines)
      setAside += std::string(line.cStr()).find("set aside in") != std::string::npos;
    add(*words, 1);
    syncNow(*words);
  }
  EXPECT_GT(last, 60);
  EXPECT_GT(setAside, 5u);
}

// With little room what is left of the log stays where it is, and is read again at the next opening.
TEST_F(Recovery, WithLittleRoomTheUnwrittenEndIsGoneForGood) {
  constexpr size_t kPayloadBytes = 20'000;
  open();
  add(*log("words"), 8, kPayloadBytes);
  kill();
  auto wal = walFile();
  auto size = std::filesystem::file_size(wal);
  {
    std::fstream file(wal, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>((size - kPayloadBytes / 2) / 512 * 512));
    for (int i = 0; i < 512; ++i)
      file.put(0);
  }
  options_.tightBytes = Bytes(uint64_t{1} << 60);
  for (int opening = 0; opening < 3; ++opening) {
    kj::Vector<kj::String> lines;
    engine_ = rocks::openRocksEngineOn(faults_.fileSystem(), path_, options_,
                                       {.report = [&](kj::StringPtr line) { lines.add(kj::str(line)); }});
    EXPECT_EQ(lines.size(), opening == 0 ? 1u : 0u);
    auto words = log("words");
    EXPECT_EQ(words->bounds().end.value(), 70 + 10 * opening);
    add(*words, 1, kPayloadBytes);
    syncNow(*words);
    expectWhole(*words, kPayloadBytes);
    words = nullptr;
    kill();
  }
}

TEST_F(Recovery, RefusesASyncedLogFileThatHasBecomeShorterThanAFileAfterIt) {
  options_.memtableBytes = kibibytes(64);
  open();
  {
    // The table stays in memory and keeps its log file.
    TableChange change{"offsets", "key"_kj.asBytes(), "value"_kj.asBytes()};
    engine_->commit(kj::arrayPtr(&change, 1));
    auto words = log("words");
    add(*words, 200);
    syncNow(*words);
  }
  kill();
  auto wals = files(".log");
  ASSERT_GE(wals.size(), 2u);
  std::filesystem::resize_file(wals[0], std::filesystem::file_size(wals[0]) / 2);
  EXPECT_NE(failureOf([&] { open(); }), "");
}

// The end of one log file is lost and the next one kept: were the first not synced before the second was begun, there
// would be a hole in the log.
TEST_F(Recovery, LeavesNoHoleBetweenLogFiles) {
  options_.memtableBytes = kibibytes(64);
  options_.walBytesMax = mebibytes(64);
  for (int extra = 0; extra < 40; extra += 3) {
    open();
    {
      auto words = log("words");
      words->resetTo(Offset(0));
      // No sync at all: two or three files.
      add(*words, 100 + extra);
    }
    kill();
    bool isFirst = true;
    faults_.crash([&](uint64_t unsynced) {
      bool drop = isFirst && unsynced > 0;
      isFirst = isFirst && !drop;
      return drop ? 0 : unsynced;
    });
    open();
    expectWhole(*log("words"));
    kill();
  }
}

// What a killed process wrote and did not sync counts as durable once it was found; with little room it stays in the
// files of the write-ahead log.
TEST_F(Recovery, WithLittleRoomSyncsWhatItFinds) {
  open();
  add(*log("words"), 3);
  kill();
  options_.tightBytes = Bytes(uint64_t{1} << 60);
  open();
  {
    auto words = log("words");
    EXPECT_EQ(words->bounds().durable.value(), 30);
    expectWhole(*words);
  }
  kill();
  faults_.crash();
  open();
  EXPECT_EQ(log("words")->bounds().end.value(), 30);
  expectWhole(*log("words"));
}

TEST_F(Recovery, RefusesAFolderWhoseHeadIsMissing) {
  open();
  add(*log("words"), 5);
  close();
  auto current = folder_.path("store/CURRENT");
  std::filesystem::rename(current.cStr(), folder_.path("elsewhere").cStr());
  auto before = files("").size();
  EXPECT_NE(failureOf([&] { open(); }).find("CURRENT"), std::string::npos);
  EXPECT_EQ(files("").size(), before);
  std::filesystem::rename(folder_.path("elsewhere").cStr(), current.cStr());
  open();
  EXPECT_EQ(log("words")->bounds().end.value(), 50);
}

TEST_F(Recovery, MakesAStoreWhoseMakingWasInterrupted) {
  std::filesystem::create_directories(path_.cStr());
  std::ofstream(folder_.path("store/MANIFEST-000001").cStr()) << "half";
  open();
  add(*log("words"), 5);
  close();
  open();
  EXPECT_EQ(log("words")->bounds().end.value(), 50);
}

TEST_F(Recovery, RefusesASecondEngine) {
  open();
  EXPECT_NE(failureOf([&] { openRocksEngine(path_); }).find("another process"), std::string::npos);
}

// Blocks, extents and the rows behind the last block all agree after a kill at any number of batches.
TEST_F(Recovery, FindsExtentsAndTimesAfterAKill) {
  options_.bucketBytes = mebibytes(1);
  for (int batches : {1, 255, 256, 257, 700}) {
    open();
    {
      auto words = log("words", {.segmentBytes = kibibytes(64)});
      words->resetTo(Offset(0));
      add(*words, batches, 100);
      // Broken on purpose, so that nothing is written when it is closed.
      KJ_IF_MAYBE(job, words->startSync()) words->breakLog(kj::mv(*job), "test");
    }
    kill();
    open();
    {
      auto words = log("words", {.segmentBytes = kibibytes(64)});
      expectWhole(*words, 100);
      uint64_t bytes = 0;
      for (auto& extent : words->extents())
        bytes += extent.bytes.value();
      EXPECT_EQ(bytes, uint64_t(batches) * 161);
      for (int64_t offset = 0; offset < batches * 10; offset += 10) {
        auto hit = KJ_ASSERT_NONNULL(words->seekTime(TimestampMs(1000 + offset)));
        EXPECT_EQ(hit.baseOffset.value(), offset);
      }
      EXPECT_EQ(KJ_ASSERT_NONNULL(words->maxTimestamp()).baseOffset.value(), batches * 10 - 10);
    }
    close();
    EXPECT_EQ(inspectRocks(path_)->verify([](kj::StringPtr problem) { ADD_FAILURE() << problem.cStr(); }),
              uint64_t(batches));
  }
}

TEST_F(Recovery, ClosingLeavesNothingToReplay) {
  open();
  add(*log("words"), 300, 5000);
  close();
  EXPECT_LT(bytesIn(".log"), 1000u);
  EXPECT_GT(bytesIn(".sst"), 1500000u);
}

// Two tables and several keys: after a power loss at any point all of a commit is there or none.
TEST_F(Recovery, CommitsAreAtomicOverTables) {
  open();
  kj::byte round = 0;
  for (; round < 2; ++round) {
    kj::byte key[1] = {round};
    TableChange changes[] = {{"one", kj::arrayPtr(key, 1), "a"_kj.asBytes()},
                             {"two", kj::arrayPtr(key, 1), "b"_kj.asBytes()},
                             {"one", "last"_kj.asBytes(), kj::arrayPtr(key, 1).asConst()}};
    engine_->commit(changes);
  }
  kill();
  auto copy = folder_.path("copy");
  auto wal = walFile();
  auto size = std::filesystem::file_size(wal);
  size_t most = 0;
  for (uint64_t cut = 0; cut <= size; ++cut) {
    copyStore(copy);
    forgetWhatWasDurable(copy);
    std::filesystem::resize_file(std::filesystem::path(copy.cStr()) / std::filesystem::path(wal).filename(), cut);
    auto engine = rocks::openRocksEngineOn(faults_.fileSystem(), copy, {}, {});
    size_t one = 0, two = 0;
    engine->scan("one", nullptr, [&](ByteView key, ByteView) { return one += key.size() == 1, true; });
    engine->scan("two", nullptr, [&](ByteView, ByteView) { return ++two, true; });
    EXPECT_EQ(one, two);
    EXPECT_GE(one, most);
    most = kj::max(most, one);
    auto last = engine->get("one", "last"_kj.asBytes());
    EXPECT_EQ(last == nullptr, one == 0);
    KJ_IF_MAYBE(value, last) EXPECT_EQ(size_t((*value)[0]), one - 1);
  }
  EXPECT_EQ(most, 2u);
}

class ManifestEnd : public Recovery {
 public:
  ~ManifestEnd() noexcept override = default;

 protected:
  static constexpr size_t kSectorBytes = 512;

  ManifestEnd() { options_.memtableBytes = kibibytes(64); }
  // A row with a long key: what the manifest says of a file with such rows spans several sectors.
  void commitRow(int i) {
    auto key = kj::str(kj::repeat('k', 3000), i);
    TableChange change{"t", key.asBytes(), "v"_kj.asBytes()};
    engine_->commit(kj::arrayPtr(&change, 1));
    ++rows_;
  }
  int rowsThere() {
    int count = 0;
    engine_->scan("t", nullptr, [&](ByteView, ByteView) { return ++count > 0; });
    return count;
  }
  static std::string contentsOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // The current manifest's name.
  std::string manifest() {
    auto name = contentsOf(kj::str(path_, "/CURRENT").cStr());
    name.pop_back();
    return name;
  }
  static void put(const std::string& path, const std::string& contents) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
  }
  void openSaying(std::string& said) {
    EngineOptions reporting;
    reporting.report = [&said](kj::StringPtr line) { said += line.cStr(); };
    engine_ = rocks::openRocksEngineOn(faults_.fileSystem(), path_, options_, kj::mv(reporting));
  }

  int rows_ = 0;
};

// Power fails while the library writes that it has flushed a memtable: the log still has what was in it.
TEST_F(ManifestEnd, AnEndThatWasNeverWrittenIsCut) {
  constexpr size_t kFlushBytesMin = 2 * 3000;  // the first and the last key of a file
  constexpr int kRowsOfOneFlush = 35;          // 40 fill two memtables of 64 KiB
  std::string name;
  // Until a second flush had not begun: what it leaves unfinished is another story.
  for (int attempt = 0; rows_ == 0 || rows_ > kRowsOfOneFlush; ++attempt) {
    ASSERT_LT(attempt, 100);
    path_ = folder_.path(kj::str("store-", attempt));
    rows_ = 0;
    open();
    name = manifest();
    auto sizeBefore = contentsOf(kj::str(path_, "/", name).cStr()).size();
    while (contentsOf(kj::str(path_, "/", name).cStr()).size() < sizeBefore + kFlushBytesMin) {
      ASSERT_LT(rows_, 200);
      commitRow(rows_);
    }
    kill();
  }
  auto whole = contentsOf(kj::str(path_, "/", name).cStr());
  auto sound = kj::str(path_);
  int tried = 0;
  for (size_t sector = (whole.size() - kFlushBytesMin) / kSectorBytes + 1; (sector + 1) * kSectorBytes < whole.size();
       ++sector) {
    SCOPED_TRACE(sector);
    path_ = kj::str(sound);
    copyStore(folder_.path("damaged"));
    path_ = folder_.path("damaged");
    forgetWhatWasDurable(path_);
    auto damaged = whole;
    std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(sector * kSectorBytes), kSectorBytes, 0);
    put(kj::str(path_, "/", name).cStr(), damaged);
    std::string said;
    openSaying(said);
    EXPECT_NE(said.find(name), std::string::npos) << said;
    EXPECT_EQ(rowsThere(), rows_);
    close();
    open();
    EXPECT_EQ(rowsThere(), rows_);
    kill();
    ++tried;
  }
  EXPECT_GT(tried, 5);
}

// The same damage to what was durable, and relied upon: the store is complete, or refused and as it was.
TEST_F(ManifestEnd, AnEndThatWasDurableIsNotGivenUp) {
  for (auto ending : {"closed"_kj, "killed"_kj, "recovered"_kj}) {
    path_ = folder_.path(ending);
    rows_ = 0;
    open();
    add(*log("words"), 20);
    for (int i = 0; i < 5; ++i)
      commitRow(i);
    ending == "closed" ? close() : kill();
    if (ending == "recovered") {
      open();
      kill();
    }
    auto sound = kj::str(path_);
    auto name = manifest();
    auto whole = contentsOf(kj::str(path_, "/", name).cStr());
    int refused = 0;
    for (size_t from = 0; from < whole.size(); from += kSectorBytes) {
      SCOPED_TRACE(kj::str(ending, ", from ", from, " of ", whole.size()).cStr());
      path_ = kj::str(sound);
      copyStore(folder_.path("damaged"));
      path_ = folder_.path("damaged");
      auto damaged = whole;
      std::fill(damaged.begin() + static_cast<ptrdiff_t>(from),
                damaged.begin() + static_cast<ptrdiff_t>(std::min(from + kSectorBytes, whole.size())), 0);
      put(kj::str(path_, "/", name).cStr(), damaged);
      if (failureOf([&] { open(); }) == "") {
        EXPECT_EQ(rowsThere(), 5);
        EXPECT_EQ(log("words")->bounds().end.value(), 200);
      } else {
        ++refused;
        EXPECT_TRUE(contentsOf(kj::str(path_, "/", name).cStr()) == damaged) << "it was changed";
      }
      kill();
    }
    EXPECT_GT(refused, 0);
  }
}

}  // namespace
}  // namespace cambium
