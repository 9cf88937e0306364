// Logs as things of an engine: names, incarnations, many at once.

#include "tests/contract/log_contract.h"

namespace cambium {
namespace {

std::string names(kj::ArrayPtr<const LogId> ids) {
  auto all = KJ_MAP(id, ids) {
    return kj::str(id.name, "/", id.incarnation.bytes()[0]);
  };
  return kj::strArray(all, " ").cStr();
}

TEST_P(LogContract, ListsLogsByName) {
  EXPECT_EQ(names(engine().list()), "");
  for (auto name : {"b-1", "a-0", "b-10", "A-0", "b-1.x"})
    open(name).add(1);
  EXPECT_EQ(names(engine().list()), "A-0/1 a-0/1 b-1/1 b-1.x/1 b-10/1");
  reopen();
  EXPECT_EQ(names(engine().list()), "A-0/1 a-0/1 b-1/1 b-1.x/1 b-10/1");
}

TEST_P(LogContract, NamesAreChecked) {
  for (auto name : {"", ".", "..", "a/b", "../a", "a b", "a\\b", "a:b", "\xc3\xa4"}) {
    EXPECT_NE(failureOf([&] { engine().open(logId(name), {}); }), "") << name;
  }
  EXPECT_EQ(names(engine().list()), "");
  open("...").add(1);
  open("-._").add(1);
  kj::Vector<char> longest;
  for (int i = 0; i < 255; ++i)
    longest.add('x');
  open(kj::heapString(longest)).add(1);
  longest.add('x');
  EXPECT_NE(failureOf([&] { engine().open(logId(kj::heapString(longest)), {}); }), "");
  reopen();
  EXPECT_EQ(engine().list().size(), 3u);
}

TEST_P(LogContract, OpenTwiceIsRefused) {
  auto& log = open("words-0");
  log.add(1);
  EXPECT_NE(failureOf([&] { engine().open(logId("words-0"), {}); }), "");
  log.add(1);
  log.expectSame();
  log.close();
  log.openSame(engine());
}

TEST_P(LogContract, AnotherIncarnationIsRefused) {
  auto& log = open("words-0");
  log.add(3);
  EXPECT_NE(failureOf([&] { engine().open(logId("words-0", 2), {}); }), "");
  log.close();
  EXPECT_NE(failureOf([&] { engine().open(logId("words-0", 2), {}); }), "");
  engine().drop(logId("words-0", 2));
  log.openSame(engine());
  reopen();
  EXPECT_EQ(names(engine().list()), "words-0/1");
}

TEST_P(LogContract, DropRemovesForGood) {
  auto& log = open("words-0", {.segmentBytes = Bytes(300)});
  auto& other = open("words-1");
  for (int i = 0; i < 10; ++i)
    log.add(5);
  other.add(5);
  syncNow(*log);
  syncNow(*other);
  EXPECT_NE(failureOf([&] { engine().drop(logId("words-0")); }), "") << "it is open";
  log.expectSame();
  EXPECT_TRUE(engine().holds(logId("words-0")));
  EXPECT_FALSE(engine().holds(logId("words-0", 2))) << "another incarnation";
  logs_.begin()->get()->close();
  kj::Vector<kj::Own<WatchedLog>> left;
  left.add(kj::mv(logs_[1]));
  logs_ = kj::mv(left);
  engine().drop(logId("words-0"));
  engine().drop(logId("words-0"));
  engine().drop(logId("never-there"));
  EXPECT_EQ(names(engine().list()), "words-1/1");
  EXPECT_FALSE(engine().holds(logId("words-0")));
  crash();
  EXPECT_EQ(names(engine().list()), "words-1/1");
  EXPECT_TRUE(engine().holds(logId("words-1")));
  EXPECT_FALSE(engine().holds(logId("words-0")));
}

TEST_P(LogContract, ALogMadeAnewSeesNothingOfItsPredecessor) {
  for (kj::byte incarnation = 1; incarnation <= 6; ++incarnation) {
    SCOPED_TRACE(static_cast<int>(incarnation));
    auto id = logId("words-0", incarnation);
    {
      WatchedLog log(engine(), id.clone(), {.segmentBytes = Bytes(300)});
      log.expectSame();
      EXPECT_EQ(log->bounds().end, Offset(0));
      if (incarnation % 2 == 0) log.resetTo(20);
      for (int i = 0; i < 5; ++i)
        log.add(5, 1000 + incarnation);
      log.expectSame();
      if (incarnation % 3 != 0) syncNow(*log);
    }
    engine().drop(id.clone());
    EXPECT_EQ(names(engine().list()), "");
    if (incarnation == 2) fixture_->reopen();
    if (incarnation == 3) fixture_->kill();
    if (incarnation >= 4) fixture_->crash();
    EXPECT_EQ(names(engine().list()), "");
  }
}

TEST_P(LogContract, ADroppedLogMayComeBackWithItsOwnIncarnation) {
  {
    WatchedLog log(engine(), logId("words-0"), {});
    log.add(5);
    syncNow(*log);
  }
  engine().drop(logId("words-0"));
  auto& log = open("words-0");
  EXPECT_EQ(log->bounds().end, Offset(0));
  log.add(2);
  crash();
}

TEST_P(LogContract, ManyLogsInterleaved) {
  constexpr int kLogs = 200;
  for (int i = 0; i < kLogs; ++i)
    open(kj::str("words-", i), {.segmentBytes = Bytes(700)});
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < kLogs; ++i)
      logs_[i]->add(1 + (i + round) % 5, 1000 + round, static_cast<size_t>(i));
  }
  for (int i = 0; i < kLogs; i += 2)
    syncNow(**logs_[i]);
  for (int i = 0; i < kLogs; i += 3)
    logs_[i]->dropBefore(2);
  crash();
  for (int i = 0; i < kLogs; ++i)
    logs_[i]->add(2);
  reopen();
  EXPECT_EQ(engine().list().size(), 200u);
}

TEST_P(LogContract, SaysWhatItHolds) {
  EXPECT_GT(engine().name().size(), 0u);
  auto& log = open("words-0");
  for (int i = 0; i < 30; ++i)
    log.add(1, 1000, 100'000);
  syncNow(*log);
  EXPECT_GE(engine().usage().logBytes, Bytes(2'500'000));
}

}  // namespace
}  // namespace cambium
