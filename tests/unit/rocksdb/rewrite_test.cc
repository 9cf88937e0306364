// Rewrites that crash, fail, or meet a full device; and what becomes of the space.

#include "backends/rocksdb/log_rows.h"
#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

class Rewrite : public RocksTest {
 public:
  ~Rewrite() noexcept override = default;

 protected:
  // Twelve batches in three closed extents, durable, and one batch behind them.
  kj::Own<PartitionLog> openFilled() {
    auto words = log("words");
    for (int i = 0; i < 3; ++i) {
      add(*words, 4);
      words->closeExtent();
    }
    add(*words, 1);
    syncNow(*words);
    return words;
  }

  // Keeps the batches at 0, 100, 200, ….
  static kj::Array<kj::byte> compactedOf(ExtentRewrite& rewrite) {
    kj::Vector<kj::byte> out;
    Offset next = rewrite.first();
    auto fill = [&](Offset to) {
      if (to > next) out.addAll(makeEmptyBatch(next, to - next));
    };
    for (;;) {
      auto data = rewrite.read(kibibytes(100));
      BatchIterator batches(data);
      while (auto* batch = batches.next()) {
        if (batch->baseOffset().value() % 100 != 0) continue;
        fill(batch->baseOffset());
        out.addAll(batch->bytes());
        next = batch->nextOffset();
      }
      if (data.size() == 0) break;
    }
    fill(rewrite.end());
    return out.releaseAsArray();
  }
  static bool rewriteAll(PartitionLog& log, Offset end) {
    auto rewrite = log.startRewrite(log.extents()[0].first, end);
    rewrite->write(compactedOf(*rewrite));
    rewrite->finish();
    return log.finishRewrite(kj::mv(rewrite));
  }
  static std::string contentsOf(PartitionLog& log) {
    auto bounds = log.bounds();
    return describeBatches(log.read(bounds.start, bounds.end, kNoLimit)).cStr();
  }
  static constexpr const char* kOld =
      "[0..9] [10..19] [20..29] [30..39] [40..49] [50..59] [60..69] [70..79] [80..89] [90..99] [100..109] "
      "[110..119] [120..129]";
  static constexpr const char* kNew = "[0..9] [10..99] [100..109] [110..119] [120..129]";

  // Keys of rewritten batches and rows, by family; the store is closed meanwhile.
  std::map<std::string, uint64_t> rewrittenKeys() {
    using namespace rocks;
    RocksStore store(path_, RocksStore::ReadOnly());
    std::map<std::string, uint64_t> counts;
    auto count = [&](RocksStore::Family& family, const char* name) {
      for (RowCursor cursor(store, family); cursor.valid(); cursor.next())
        counts[name] += cursor.key().size() == 16 ? 1 : 0;
    };
    count(store.index(), "index");
    count(store.blocks(), "blocks");
    for (auto& [number, family] : store.foundBuckets())
      count(*family, "batches");
    counts["markers"] = 0;
    for (RowCursor cursor(store, store.meta(), kMarkerPrefix.asBytes()); cursor.valid(); cursor.next())
      ++counts["markers"];
    return counts;
  }
  using Counts = std::map<std::string, uint64_t>;

  void expectSound() {
    inspectRocks(path_)->verify([](kj::StringPtr problem) { ADD_FAILURE() << problem.cStr(); });
  }
};

TEST_F(Rewrite, StandsUnderKeysOfItsOwn) {
  open();
  {
    auto words = openFilled();
    EXPECT_TRUE(rewriteAll(*words, Offset(120)));
    EXPECT_EQ(contentsOf(*words), kNew);
  }
  close();
  EXPECT_EQ(rewrittenKeys(), (Counts{{"index", 4}, {"blocks", 1}, {"batches", 4}, {"markers", 0}}));
  expectSound();
  auto logs = inspectRocks(path_)->logs();
  ASSERT_EQ(logs[0].extents.size(), 2u);
  EXPECT_EQ(logs[0].extents[0].extent.end, Offset(120));
  std::string seen;
  inspectRocks(path_)->batches("words", Offset(50), [&](const RocksBatchInfo& batch) {
    EXPECT_EQ(batch.problem, ""_kj);
    seen += kj::str(batch.baseOffset, " ").cStr();
    return true;
  });
  EXPECT_EQ(seen, "10 100 110 120 ");
  open();
  {
    auto words = log("words");
    EXPECT_TRUE(rewriteAll(*words, Offset(120))) << "once more, over the rewritten one";
    EXPECT_EQ(contentsOf(*words), kNew);
    words->truncateFrom(Offset(100));
  }
  close();
  EXPECT_EQ(rewrittenKeys(), (Counts{{"index", 2}, {"blocks", 1}, {"batches", 2}, {"markers", 0}}));
  expectSound();
  open();
  log("words")->dropBefore(Offset(15));
  close();
  EXPECT_EQ(rewrittenKeys(), (Counts{{"index", 1}, {"blocks", 1}, {"batches", 1}, {"markers", 0}}));
  expectSound();
  open();
  engine_->drop(testLogId("words"));
  close();
  EXPECT_EQ(rewrittenKeys()["index"] + rewrittenKeys()["blocks"] + rewrittenKeys()["batches"], 0u);
}

// A crash at any moment of a rewrite: nothing of it is left, or all.
TEST_F(Rewrite, ACrashedOneIsClearedAwayAtTheNextOpening) {
  for (int stage = 0; stage < 4; ++stage) {
    SCOPED_TRACE(stage);
    path_ = folder_.path(kj::str("store-", stage));
    open();
    {
      auto words = openFilled();
      auto rewrite = words->startRewrite(Offset(0), Offset(120));
      auto batches = compactedOf(*rewrite);
      size_t first = KJ_ASSERT_NONNULL(BatchView::first(batches)).size();
      rewrite->write(batches.slice(0, first));
      if (stage >= 1) rewrite->write(batches.slice(first, batches.size()));
      if (stage >= 2) rewrite->finish();
      if (stage >= 3) EXPECT_TRUE(words->finishRewrite(kj::mv(rewrite)));
      words->append(batchAt(Offset(130)));
      syncNow(*words);
      // The process dies here: what a destructor would clear away stays, since no write reaches the store any more.
      faults_.failSyncsAfter(0, ".log");
      EXPECT_NE(failureOf([&] { engine_->commit(kj::arr(TableChange{"t", "k"_kj.asBytes(), "v"_kj.asBytes()})); }), "");
    }
    kill();
    faults_.stopFailing();
    faults_.crash();
    if (stage < 3) EXPECT_EQ(rewrittenKeys()["markers"], 1u) << "the test is none without";
    open();
    EXPECT_EQ(contentsOf(*log("words")), std::string(stage < 3 ? kOld : kNew) + " [130..139]");
    close();
    if (stage < 3) EXPECT_EQ(rewrittenKeys(), (Counts{{"markers", 0}, {"index", 0}, {"blocks", 0}, {"batches", 0}}));
    expectSound();
    open();
    EXPECT_TRUE(rewriteAll(*log("words"), Offset(120)));
    EXPECT_EQ(contentsOf(*log("words")), std::string(kNew) + " [130..139]");
    close();
    expectSound();
  }
}

// Every sync from the beginning of a rewrite on fails, from each on. Old or new, and new when that was answered.
TEST_F(Rewrite, EachSyncInTurn) {
  bool anyFailed = true;
  bool sawOld = false;
  bool sawNew = false;
  for (uint64_t count = 0; anyFailed; ++count) {
    ASSERT_LT(count, 100u);
    path_ = folder_.path(kj::str("store-", count));
    bool done = false;
    open();
    {
      auto words = openFilled();
      faults_.failSyncsAfter(count);
      anyFailed = failureOf([&] {
                    done = rewriteAll(*words, Offset(120));
                    add(*words, 1);
                    syncNow(*words);
                  }) != "";
    }
    engine_ = nullptr;
    faults_.stopFailing();
    faults_.crash();
    open();
    {
      auto found = contentsOf(*log("words"));
      bool isNew = found.starts_with(kNew);
      EXPECT_TRUE(isNew || found.starts_with(kOld)) << found;
      if (done) EXPECT_TRUE(isNew) << found;
      (isNew ? sawNew : sawOld) = true;
    }
    close();
    expectSound();
  }
  EXPECT_TRUE(sawOld);
  EXPECT_TRUE(sawNew);
}

TEST_F(Rewrite, AFullDeviceRefusesItAndNothingElseIsLost) {
  open();
  {
    auto words = openFilled();
    for (int stage = 0; stage < 3; ++stage) {
      SCOPED_TRACE(stage);
      auto rewrite = words->startRewrite(Offset(0), Offset(120));
      auto batches = compactedOf(*rewrite);
      if (stage >= 1) rewrite->write(batches);
      if (stage >= 2) rewrite->finish();
      faults_.setFull(true);
      auto exception = kj::runCatchingExceptions([&] {
        if (stage == 0) rewrite->write(batches);
        if (stage == 1) rewrite->finish();
        words->finishRewrite(kj::mv(rewrite));
      });
      KJ_IF_MAYBE(e, exception) {
        EXPECT_EQ(e->getType(), kj::Exception::Type::OVERLOADED) << kj::str(*e).cStr();
      } else {
        ADD_FAILURE() << "went well on a full device";
      }
      rewrite = nullptr;
      EXPECT_EQ(contentsOf(*words), kOld);
      faults_.setFull(false);
      words->append(batchAt(Offset(130)));
      words->truncateFrom(Offset(130));
    }
    EXPECT_TRUE(rewriteAll(*words, Offset(120)));
    EXPECT_EQ(contentsOf(*words), kNew);
  }
  close();
  expectSound();
  open();
  EXPECT_EQ(contentsOf(*log("words")), kNew);
  close();
}

TEST_F(Rewrite, SpaceComesBack) {
  options_.bucketBytes = mebibytes(1);
  open();
  {
    auto words = log("words");
    auto slow = log("slow");
    for (int i = 0; i < 8; ++i) {
      add(*words, 900);
      add(*slow, 20);
    }
    words->closeExtent();
    syncNow(*words);
    Offset end = words->bounds().end;
    add(*words, 1);
    EXPECT_TRUE(rewriteAll(*words, end));
    EXPECT_LE(words->sizeBytes(), Bytes(900'000));
    expectWhole(*slow);
  }
  // Waits for the space to be given back.
  engine_->drop(testLogId("none"));
  close();
  // 7.6 MB were written; a tenth of one log, the other one, and what the open bucket still holds are left.
  EXPECT_LT(bytesIn(".sst"), 3'500'000u);
  expectSound();
  open();
  expectWhole(*log("slow"));
  close();
}

// More than one write, more than one block, and batches of all sizes.
TEST_F(Rewrite, OfManyBatches) {
  open();
  {
    auto words = log("words", {.segmentBytes = mebibytes(1)});
    for (int i = 0; i < 30; ++i) {
      kj::Vector<kj::byte> batches;
      for (int64_t j = 0; j < 100; ++j)
        batches.addAll(batchAt(words->bounds().end + j * 10, static_cast<size_t>(i % 3) * 700));
      words->append(batches);
    }
    words->closeExtent();
    syncNow(*words);
    Offset end = words->bounds().end;
    auto before = words->read(Offset(0), end, kNoLimit);
    auto rewrite = words->startRewrite(Offset(0), end);
    rewrite->write(before);
    rewrite->finish();
    EXPECT_TRUE(words->finishRewrite(kj::mv(rewrite)));
    EXPECT_EQ(words->extents().size(), 1u);
    auto after = words->read(Offset(0), end, kNoLimit);
    EXPECT_TRUE(after.asPtr() == before.asPtr());
    for (int64_t at : {0, 5, 2'559, 2'560, 15'000, 29'999}) {
      EXPECT_EQ(KJ_ASSERT_NONNULL(words->seekTime(TimestampMs(1000 + at / 10 * 10))).baseOffset, Offset(at / 10 * 10));
    }
    words->truncateFrom(Offset(15'000));
    words->dropBefore(Offset(4'005));
    add(*words, 3);
    EXPECT_EQ(KJ_ASSERT_NONNULL(words->maxTimestamp()).baseOffset, Offset(15'020));
  }
  close();
  EXPECT_EQ(rewrittenKeys()["index"], 1'100u);
  expectSound();
}

}  // namespace
}  // namespace cambium
