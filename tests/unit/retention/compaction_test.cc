#include "engine/retention/compaction.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

#include "engine/partition/producer_states.h"
#include "tests/unit/retention/compaction_fixture.h"

namespace cambium {
namespace {

class CompactionTest : public CompactionFixture {};
CAMBIUM_EVERY_ENGINE(CompactionTest);

TEST_P(CompactionTest, KeepsTheNewestOfEachKey) {
  add({{"a", "1"}, {"b", "1"}});
  add({{"a", "2"}});
  close();
  add({{"b", "2"}, {"c", "1"}});
  close();
  auto outcome = compact();
  EXPECT_TRUE(outcome.complete);
  EXPECT_EQ(outcome.progress.cleanedUpTo, Offset(5));
  EXPECT_EQ(outcome.mapped, 3u);
  EXPECT_EQ(outcome.counts.recordsRemoved, 2u);
  EXPECT_EQ(contents(), "[0..1] [2..2 2 a=2] [3..4 3 b=2 4 c=1]");
  EXPECT_LT(outcome.bytesAfter, outcome.bytesBefore);
  // It stays so over a restart.
  reopen();
  EXPECT_EQ(contents(), "[0..1] [2..2 2 a=2] [3..4 3 b=2 4 c=1]");
}

TEST_P(CompactionTest, WhatComesLaterMakesOlderRecordsGo) {
  add({{"a", "1"}, {"b", "1"}});
  close();
  add({{"c", "1"}});
  close();
  auto first = compact();
  EXPECT_EQ(first.replaced, 1u) << "two extents become one";
  EXPECT_EQ(log->extents().size(), 1u);
  add({{"b", "2"}});
  close();
  auto second = compact(first.progress);
  EXPECT_EQ(second.mapped, 1u) << "only what is new is read into the map";
  EXPECT_EQ(contents(), "[0..1 0 a=1] [2..2 2 c=1] [3..3 3 b=2]");
  EXPECT_EQ(second.progress.cleanedUpTo, Offset(4));
}

TEST_P(CompactionTest, WhatStaysAsItIsIsNotWritten) {
  add({{"a", "1"}, {"b", "1"}});
  close();
  auto outcome = compact();
  EXPECT_TRUE(outcome.complete);
  EXPECT_EQ(outcome.replaced, 0u);
  EXPECT_EQ(contents(), "[0..1 0 a=1 1 b=1]");
}

TEST_P(CompactionTest, TheOpenExtentIsLeftAlone) {
  add({{"a", "1"}, {"a", "2"}});
  close();
  add({{"a", "3"}, {"a", "4"}});
  auto outcome = compact();
  EXPECT_EQ(outcome.progress.cleanedUpTo, Offset(2));
  EXPECT_EQ(contents(), "[0..1 1 a=2] [2..3 2 a=3 3 a=4]");
}

TEST_P(CompactionTest, ASmallMapTakesSeveralPasses) {
  keysMax = 2;
  for (int i = 0; i < 3; ++i)
    add({{"a", std::to_string(i)}, {"b", std::to_string(i)}, {"c", std::to_string(i)}});
  close();
  auto first = compact();
  EXPECT_EQ(first.mapped, 2u);
  EXPECT_EQ(first.progress.cleanedUpTo, Offset(2)) << "the first c did not fit";
  CleanerProgress progress = first.progress;
  int passes = 1;
  for (; progress.cleanedUpTo < Offset(9) && passes < 20; ++passes)
    progress = compact(progress).progress;
  EXPECT_EQ(progress.cleanedUpTo, Offset(9));
  EXPECT_GT(passes, 2);
  EXPECT_EQ(contents(), "[0..5] [6..8 6 a=2 7 b=2 8 c=2]");
}

TEST_P(CompactionTest, TombstonesGoInALaterPass) {
  add({{"a", "1"}, {"b", "1"}});
  add({{"a", {}}});
  close();
  add({{"c", "1"}});
  close();
  auto first = compact();
  EXPECT_EQ(contents(), kj::str("[0..1 1 b=1] [2..2 2 a=null h", now + kDay, "] [3..3 3 c=1]").cStr());
  EXPECT_EQ(first.progress.nextHorizon, TimestampMs(now + kDay));
  now += kDay - 1;
  EXPECT_TRUE(plan(first.progress) == nullptr);
  now += 1;
  auto second = compact(first.progress);
  EXPECT_EQ(contents(), "[0..1 1 b=1] [2..2] [3..3 3 c=1]");
  EXPECT_EQ(second.progress.nextHorizon, kNoTimestamp);
  EXPECT_TRUE(plan(second.progress) == nullptr);
}

TEST_P(CompactionTest, TheEndOfTheLogIsAlwaysARecord) {
  add({{"a", "1"}});
  close();
  add({{"a", {}}});
  close();
  deleteRetentionMs = 0;
  auto first = compact();
  auto second = compact(first.progress);
  EXPECT_EQ(contents(), kj::str("[0..0] [1..1 1 a=null h", now, "]").cStr());
  EXPECT_TRUE(plan(second.progress) == nullptr);
  add({{"b", "1"}});
  close();
  compact(second.progress);
  EXPECT_EQ(contents(), "[0..1] [2..2 2 b=1]");
}

TEST_P(CompactionTest, AnEndedPassLeavesALogThatIsRight) {
  for (int steps = 0;; ++steps) {
    SCOPED_TRACE(steps);
    clear();
    for (int i = 0; i < 4; ++i) {
      add({{"a", std::to_string(i)}, {"b" + std::to_string(i), "1"}});
      close();
    }
    segmentBytes = Bytes(1);  // every extent is a piece of its own
    auto pass = begin({});
    bool done = run(*pass, steps);
    pass->giveUp();
    EXPECT_EQ(newest(), "a=3 b0=1 b1=1 b2=1 b3=1 ");
    reopen();
    EXPECT_EQ(newest(), "a=3 b0=1 b1=1 b2=1 b3=1 ");
    if (done) break;
  }
}

TEST_P(CompactionTest, ALogThatIsCutMeanwhileIsLeftAlone) {
  enum class Cut { kDropPiece, kDropInside, kTruncate, kReset };
  for (auto cut : {Cut::kDropPiece, Cut::kDropInside, Cut::kTruncate, Cut::kReset}) {
    for (int steps = 0; steps < 60; ++steps) {
      SCOPED_TRACE(kj::str(static_cast<int>(cut), " after ", steps).cStr());
      clear();
      for (int i = 0; i < 4; ++i) {
        add({{"a", std::to_string(i)}, {"b" + std::to_string(i), "1"}});
        close();
      }
      segmentBytes = Bytes(1);
      auto pass = begin({});
      if (run(*pass, steps)) break;
      if (cut == Cut::kDropPiece) log->dropBefore(Offset(4));
      if (cut == Cut::kDropInside) log->dropBefore(Offset(3));
      if (cut == Cut::kTruncate) log->truncateFrom(Offset(6));
      if (cut == Cut::kReset) log->resetTo(Offset(100));
      run(*pass);
      auto bounds = log->bounds();
      EXPECT_EQ(bounds.start, cut == Cut::kTruncate    ? Offset(0)
                              : cut == Cut::kReset     ? Offset(100)
                              : cut == Cut::kDropPiece ? Offset(4)
                                                       : Offset(3));
      EXPECT_EQ(bounds.end, cut == Cut::kTruncate ? Offset(6) : cut == Cut::kReset ? Offset(100) : Offset(8));
      checkDense();
      if (cut == Cut::kDropPiece) EXPECT_EQ(newest(), "a=3 b2=1 b3=1 ");
      if (cut == Cut::kDropInside) EXPECT_EQ(newest(), "a=3 b1=1 b2=1 b3=1 ");
    }
  }
}

// Whatever is appended, cut and compacted in between: nothing is invented, the newest value of each key is there, and
// what a finished pass has seen holds each key once.
TEST_P(CompactionTest, AgreesWithAModel) {
  for (uint32_t seed = 0; seed < GetParam().seeds; ++seed) {
    SCOPED_TRACE(seed);
    clear();
    KeyedModel model(seed);
    CleanerProgress progress;
    auto change = [&] {
      if (model.chance(60)) append(model.nextBatch(log->bounds().end));
      if (model.chance(15)) log->closeExtent();
      if (model.chance(3)) {
        auto bounds = log->bounds();
        auto start = bounds.start + model.below((bounds.end - bounds.start) / 4 + 1);
        if (start > bounds.start) log->dropBefore(start);
      }
      if (model.chance(30)) syncNow(*log);
      if (model.chance(5)) now += kDay / 3;
    };
    for (int round = 0; round < 30; ++round) {
      for (int i = 0; i < 25; ++i)
        change();
      keysMax = static_cast<size_t>(1 + model.below(80));
      segmentBytes = Bytes(static_cast<uint64_t>(500 + model.below(8000)));
      producers = model.lastOffsets();
      close();
      KJ_IF_MAYBE(due, plan(progress)) {
        auto pass = beginWith(kj::mv(*due));
        bool abandoned = model.chance(20);
        while (pass->next() != Compaction::Step::kDone && !(abandoned && model.chance(5))) {
          run(*pass, 1);
          if (model.chance(10)) change();
        }
        pass->giveUp();
        auto outcome = pass->outcome();
        pass = nullptr;
        if (!outcome.complete && model.chance(50)) {
          syncNow(*log);
          crash();
        }
        if (outcome.complete) progress = outcome.progress;
        model.check(*log, outcome.complete ? progress.cleanedUpTo : kNoOffset);
      }
      if (model.chance(10)) {
        syncNow(*log);
        reopen();
      }
      if (model.chance(5)) progress = {};
    }
    model.checkProducers(*log);
  }
}

}  // namespace
}  // namespace cambium
