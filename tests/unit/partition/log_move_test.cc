#include "engine/partition/log_move.h"

#include "engine/record/record_reader.h"
#include "tests/unit/partition/faulty_engine.h"
#include "tests/unit/partition/partition_fixture.h"

namespace cambium {
namespace {

LogId logId() {
  return {kj::str("words-0"), Uuid()};
}

// A partition over one memory engine, on its way to another one.
class LogMoveTest : public PartitionTest {
 public:
  ~LogMoveTest() noexcept override {
    // Its log may be of the other engine, which goes first.
    move = nullptr;
    partition = nullptr;
  }

 protected:
  using Moving = kj::Promise<Result<LogMove::Outcome>>;

  // Of small slices, so that a few batches are many steps.
  Moving begin(kj::Maybe<MovePace> pace = nullptr) {
    MovePace small{.sliceBytes = Bytes(1), .syncEvery = Bytes(300)};
    move = kj::heap<LogMove>(kj::addRef(*partition), faulty, logId(), pace.orDefault(small),
                             MoveSurroundings{.pool = pool,
                                              .timer = timer,
                                              .clock = clock,
                                              .recordSwitch = [this] { return recordSwitch(); },
                                              .lackOfRoom = [this](Bytes) -> kj::Maybe<kj::String> {
                                                if (roomFor-- > 0) return nullptr;
                                                return kj::str("the disk is full");
                                              }});
    return move->run();
  }
  // "switched", "cancelled", "unknown", "still moving" or what went wrong.
  std::string outcome(Moving& moving) {
    if (!moving.poll(scope)) return "still moving";
    auto result = moving.wait(scope);
    if (!result.ok()) return result.error().message.cStr();
    if (result.value() == LogMove::Outcome::kUnknown) return "unknown";
    return result.value() == LogMove::Outcome::kSwitched ? "switched" : "cancelled";
  }
  std::string moveNow(kj::Maybe<MovePace> pace = nullptr) {
    auto moving = begin(kj::mv(pace));
    settle();
    return outcome(moving);
  }
  kj::Promise<Result<void>> recordSwitch() {
    ++recorded;
    KJ_IF_MAYBE(exception, thrown) return kj::cp(*exception);
    if (refused) return Result<void>(makeError(ErrorCode::kInvalidRequest, "cancelled meanwhile"));
    if (holdRecord) {
      auto paf = kj::newPromiseAndFulfiller<void>();
      recordNow = kj::mv(paf.fulfiller);
      return paf.promise.then([] { return Result<void>(); });
    }
    return Result<void>();
  }

  // Everything that can be read, as "offset value@timestamp …".
  std::string all() {
    std::string text;
    auto at = partition->status().logStart;
    for (;;) {
      auto read = partition->read(at, mebibytes(1));
      if (!read.ok()) return read.error().message.cStr();
      if (read.value().batches.size() == 0) return text;
      BatchIterator each(read.value().batches);
      while (auto* batch = each.next()) {
        RecordReader records(*batch);
        while (auto* record = records.next()) {
          if (record->offset < at) continue;
          auto value = KJ_ASSERT_NONNULL(record->value);
          text += kj::str(record->offset, " ", kj::heapString(value.asChars()), "@", record->timestamp, " ").cStr();
        }
      }
      at = read.value().nextOffset;
    }
  }
  // The same of a log of one of the engines, opened for it; its partition is gone afterwards.
  std::string reopened(StorageEngine& from) {
    move = nullptr;
    partition->close().wait(scope);
    auto log = from.open(logId(), {});
    auto producers = ProducerKeeper::recover(logId(), *log, ProducerTable(*engine), producerLimits, clock.now());
    partition = kj::refcounted<Partition>(kj::str("words-0"), kj::mv(log), kj::mv(producers), with(Durability::kFsync),
                                          LeaderEpoch(3), PartitionContext{pool, timer, clock, metrics, checkPool});
    settle();
    return all();
  }
  kj::Promise<Result<AppendOutcome>> appendWhenReleased(const std::vector<Record>& records) {
    return partition->appendLater(batchOf(records));
  }
  // Lets jobs of the pool run, one after the other, until appends are held.
  void untilHeld() {
    for (int turn = 0; turn < 1000 && !partition->holdsAppends(); ++turn) {
      if (pool.held() > 0) pool.runOne();
      settle();
    }
    ASSERT_TRUE(partition->holdsAppends());
  }
  void runOut() {
    pool.holding = false;
    pool.runAll();
    settle();
  }
  Bounds boundsIn(StorageEngine& other) { return other.open(logId(), {})->bounds(); }

  MemoryStore otherStore;
  kj::Own<StorageEngine> other = openMemoryEngine(otherStore, {});
  FaultyEngine faulty{*other};
  kj::Own<LogMove> move;
  int recorded = 0;
  int roomFor = 1 << 20;
  bool refused = false;
  bool holdRecord = false;
  kj::Own<kj::PromiseFulfiller<void>> recordNow;
  kj::Maybe<kj::Exception> thrown;
};

TEST_F(LogMoveTest, EverythingIsThereAfterwardsAndNothingWentOn) {
  open();
  append({{"a", 1000}, {"b", 1005}});
  append({{"c", 900}});
  settle();
  auto before = all();
  EXPECT_EQ(before, "0 a@1000 1 b@1005 2 c@900 ");
  EXPECT_EQ(moveNow(), "switched");
  EXPECT_EQ(recorded, 1);
  EXPECT_EQ(all(), before);
  EXPECT_EQ(highWatermark(), 3);
  EXPECT_EQ(since(1001), "1@1005");
  // It goes on in the other engine, and the first one no longer sees it.
  EXPECT_EQ(append({{"d", 1010}}), 4);
  settle();
  EXPECT_EQ(highWatermark(), 4);
  EXPECT_EQ(boundsIn(*engine).end, Offset(3));
  EXPECT_EQ(reopened(*other), before + "3 d@1010 ");
}

TEST_F(LogMoveTest, EpochsAndBytesAreTheSame) {
  open();
  for (int i = 0; i < 20; ++i)
    append({{std::string(static_cast<size_t>(i), 'x'), 1000 + i}});
  settle();
  auto before = partition->read(Offset(0), mebibytes(1));
  ASSERT_EQ(moveNow(), "switched");
  auto after = partition->read(Offset(0), mebibytes(1));
  EXPECT_TRUE(before.value().batches.asPtr() == after.value().batches.asPtr());
}

// At every moment something is appended; whatever the moment is, it is there once and in order.
TEST_F(LogMoveTest, AppendsGoOnAtEveryStep) {
  for (int every = 1; every < 6; ++every) {
    engine->drop(logId());
    open();
    for (int i = 0; i < 10; ++i)
      append({{"r"}});
    settle();
    pool.holding = true;
    auto moving = begin();
    kj::Vector<kj::Promise<Result<AppendOutcome>>> waiting;
    int64_t sent = 10;
    int sentHeld = 0;
    for (int step = 0; !moving.poll(scope) && step < 1000; ++step) {
      // Whoever appends as fast as is copied would go on for ever.
      if (partition->holdsAppends() ? sentHeld < 5 : step % every == 0 && sent < 40) {
        if (partition->holdsAppends()) {
          waiting.add(appendWhenReleased({{"r"}}));
          ++sentHeld;
        } else {
          EXPECT_EQ(append({{"r"}}), sent + 1);
        }
        ++sent;
      }
      if (pool.held() > 0) pool.runOne();
      settle();
    }
    EXPECT_EQ(outcome(moving), "switched");
    EXPECT_GT(sentHeld, 0) << "nothing met the switch";
    for (auto& one : waiting)
      EXPECT_TRUE(one.wait(scope).ok());
    runOut();
    EXPECT_EQ(partition->status().end.value(), sent);
    EXPECT_EQ(highWatermark(), sent);
    auto content = reopened(*other);
    int64_t expected = 0;
    for (size_t at = 0; (at = content.find('@', at)) != std::string::npos; ++at)
      ++expected;
    EXPECT_EQ(expected, sent);
    partition->close().wait(scope);
    partition = nullptr;
    move = nullptr;
  }
}

TEST_F(LogMoveTest, WhoWaitsForTheSwitchGoesOnInOrder) {
  open();
  append({{"a"}});
  settle();
  holdRecord = true;
  auto moving = begin();
  settle();
  ASSERT_TRUE(partition->holdsAppends());
  EXPECT_TRUE(move->status().phase == MoveStatus::Phase::kSwitching);
  auto one = appendWhenReleased({{"b"}});
  auto two = appendWhenReleased({{"c"}, {"d"}});
  EXPECT_FALSE(one.poll(scope));
  // What is not waited for is told to come again.
  EXPECT_EQ(tryAppend({{"x"}}).error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(partition->deleteRecords(Offset(1)).error().code, ErrorCode::kRequestTimedOut);
  EXPECT_EQ(all(), "0 a@1000 ") << "reads go on";
  auto released = partition->whenReleased();
  recordNow->fulfill();
  settle();
  EXPECT_EQ(outcome(moving), "switched");
  EXPECT_TRUE(released.poll(scope));
  EXPECT_EQ(one.wait(scope).value().baseOffset, Offset(1));
  EXPECT_EQ(two.wait(scope).value().baseOffset, Offset(2));
  settle();
  EXPECT_EQ(reopened(*other), "0 a@1000 1 b@1000 2 c@1000 3 d@1000 ");
}

TEST_F(LogMoveTest, AcknowledgementsAndReadersWaitAcrossTheSwitch) {
  open();
  append({{"a"}});
  settle();
  pool.holding = true;
  append({{"b"}});  // its sync is held
  auto committed = partition->whenCommitted(Offset(2));
  auto readable = partition->whenReadable(Offset(2));
  auto moving = begin();
  untilHeld();
  auto held = appendWhenReleased({{"c"}});
  EXPECT_FALSE(readable.poll(scope));
  runOut();
  EXPECT_EQ(outcome(moving), "switched");
  EXPECT_TRUE(committed.wait(scope).ok());
  EXPECT_TRUE(held.wait(scope).ok());
  EXPECT_TRUE(readable.poll(scope));
  EXPECT_EQ(highWatermark(), 3);
}

TEST_F(LogMoveTest, ASyncUnderWayIsWaitedFor) {
  open();
  pool.holding = true;
  append({{"a"}});
  ASSERT_EQ(pool.held(), 1u);  // the sync
  // The jobs of the move come behind it in the pool, so a pool that is out of order is needed: the log is exchanged
  // only when the sync has told its log.
  auto moving = begin();
  runOut();
  EXPECT_EQ(outcome(moving), "switched");
  EXPECT_EQ(metrics.syncs, 1u);
  EXPECT_EQ(durable(), 1);
}

// A sync that a full device holds up may take for ever; appends and whoever cancels do not wait for that.
TEST_F(LogMoveTest, ASyncThatDoesNotEndIsNotWaitedForForEver) {
  for (bool cancelled : {false, true}) {
    engine->drop(logId());
    open();
    pool.holding = true;
    append({{"a"}});
    settle();
    ASSERT_EQ(pool.held(), 1u);  // the sync
    store.failNextSync("no space left", kj::Exception::Type::OVERLOADED);
    pool.runOne();
    settle();
    auto moving = begin();
    untilHeld();
    auto waiting = appendWhenReleased({{"b"}});
    EXPECT_EQ(outcome(moving), "still moving");
    if (cancelled) {
      move->cancel();
    } else {
      for (int turn = 0; turn < 24; ++turn) {
        store.failNextSync("no space left", kj::Exception::Type::OVERLOADED);
        pool.runAll();
        advance(200);
      }
      EXPECT_EQ(outcome(moving), "still moving");
      advance(400);
    }
    runOut();
    if (cancelled) {
      EXPECT_EQ(outcome(moving), "cancelled");
    } else {
      EXPECT_NE(outcome(moving).find("does not come to an end"), std::string::npos);
    }
    EXPECT_FALSE(partition->holdsAppends());
    ASSERT_TRUE(waiting.poll(scope));
    EXPECT_TRUE(waiting.wait(scope).ok());
    advance(400);
    EXPECT_EQ(highWatermark(), 2) << "there is room again";
    partition->close().wait(scope);
    partition = nullptr;
    move = nullptr;
    other->drop(logId());
  }
}

TEST_F(LogMoveTest, EveryDurabilityMoves) {
  for (auto durability : {Durability::kFsync, Durability::kInterval, Durability::kOs}) {
    engine->drop(logId());
    open(with(durability, 60'000));
    append({{"a"}});
    append({{"b"}});
    settle();
    EXPECT_EQ(moveNow(), "switched");
    EXPECT_EQ(durable(), 2) << "the copy is on the device, whatever the topic asks for";
    append({{"c"}});
    settle();
    EXPECT_EQ(highWatermark(), 3);
    EXPECT_EQ(durable(), durability == Durability::kFsync ? 3 : 2);
    if (durability == Durability::kInterval) {
      advance(60'000);
      EXPECT_EQ(durable(), 3) << "an interval begins anew";
    }
    partition->close().wait(scope);
    partition = nullptr;
    move = nullptr;
  }
}

TEST_F(LogMoveTest, ProducersAreKnownAcrossTheSwitch) {
  open();
  EXPECT_EQ(send({.sequence = 0, .records = 2}), "0..2");
  EXPECT_EQ(send({.sequence = 2}), "2..3");
  settle();
  ASSERT_EQ(moveNow(), "switched");
  EXPECT_EQ(send({.sequence = 2}), "again 2..3");
  EXPECT_EQ(send({.sequence = 9}), "OUT_OF_ORDER_SEQUENCE_NUMBER");
  EXPECT_EQ(send({.sequence = 3}), "3..4");
  settle();
  reopened(*other);
  EXPECT_EQ(send({.sequence = 3}), "again 3..4");
  EXPECT_EQ(send({.sequence = 4}), "4..5");
}

TEST_F(LogMoveTest, TheSameBatchTwiceDuringTheSwitchIsThereOnce) {
  open();
  EXPECT_EQ(send({.sequence = 0}), "0..1");
  settle();
  holdRecord = true;
  auto moving = begin();
  settle();
  auto first = partition->appendLater(batchOf(Sent{.sequence = 1}));
  auto again = partition->appendLater(batchOf(Sent{.sequence = 1}));
  recordNow->fulfill();
  settle();
  EXPECT_EQ(outcome(moving), "switched");
  EXPECT_FALSE(first.wait(scope).value().duplicate);
  auto answer = again.wait(scope);
  EXPECT_TRUE(answer.value().duplicate);
  EXPECT_EQ(answer.value().baseOffset, Offset(1));
  EXPECT_EQ(partition->status().end, Offset(2));
}

TEST_F(LogMoveTest, ALogThatStartsInsideABatch) {
  open();
  append({{"a"}, {"b"}, {"c"}});
  append({{"d"}, {"e"}, {"f"}});
  append({{"g"}});
  settle();
  ASSERT_TRUE(partition->deleteRecords(Offset(4)).ok());
  ASSERT_EQ(moveNow(), "switched");
  EXPECT_EQ(partition->status().logStart, Offset(4));
  EXPECT_EQ(all(), "4 e@1000 5 f@1000 6 g@1000 ");
  EXPECT_EQ(partition->read(Offset(3), Bytes(1)).error().code, ErrorCode::kOffsetOutOfRange);
  EXPECT_EQ(reopened(*other), "4 e@1000 5 f@1000 6 g@1000 ");
  EXPECT_EQ(partition->status().logStart, Offset(4));
}

TEST_F(LogMoveTest, LogsWithoutRecords) {
  open();
  EXPECT_EQ(moveNow(), "switched");
  EXPECT_EQ(append({{"a"}}), 1);
  settle();
  EXPECT_EQ(reopened(*other), "0 a@1000 ");
  partition->close().wait(scope);
  partition = nullptr;
  // All were deleted: the next offset is kept.
  open();
  append({{"a"}, {"b"}});
  settle();
  ASSERT_TRUE(partition->deleteRecords(kNoOffset).ok());
  EXPECT_EQ(moveNow(), "switched");
  EXPECT_EQ(partition->status().logStart, Offset(2));
  EXPECT_EQ(append({{"c"}}), 3);
  settle();
  EXPECT_EQ(all(), "2 c@1000 ");
}

// The start moves on while the copy is made: below the copy, in it, and beyond its end.
TEST_F(LogMoveTest, DeletionsDuringTheCopy) {
  for (int64_t before = 1; before <= 20; ++before) {
    for (int after : {0, 3, 9}) {
      engine->drop(logId());
      open();
      for (int i = 0; i < 10; ++i)
        append({{"x"}, {"y"}});
      settle();
      pool.holding = true;
      auto moving = begin();
      settle();
      for (int i = 0; i < after && pool.held() > 0; ++i) {
        pool.runOne();
        settle();
      }
      ASSERT_TRUE(partition->deleteRecords(Offset(before)).ok());
      auto expected = all();
      runOut();
      EXPECT_EQ(outcome(moving), "switched");
      EXPECT_EQ(partition->status().logStart, Offset(before));
      EXPECT_EQ(all(), expected);
      EXPECT_EQ(reopened(*other), expected);
      EXPECT_EQ(partition->status().end, Offset(20));
      partition->close().wait(scope);
      partition = nullptr;
    }
  }
}

TEST_F(LogMoveTest, WhatLiesInTheOtherEngineIsOfNobody) {
  {
    auto left = other->open(logId(), {});
    left->resetTo(Offset(77));
  }
  open();
  append({{"a"}});
  settle();
  EXPECT_EQ(moveNow(), "switched");
  EXPECT_EQ(all(), "0 a@1000 ");
}

// --- Cancelled, refused, failed --------------------------------------------------------------------------------------

TEST_F(LogMoveTest, CancelledAtEveryStep) {
  open();
  for (int i = 0; i < 8; ++i)
    append({{"r"}});
  settle();
  auto before = all();
  int steps = 0;
  for (;; ++steps) {
    pool.holding = true;
    recorded = 0;
    auto moving = begin();
    settle();
    for (int i = 0; i < steps && pool.held() > 0; ++i) {
      pool.runOne();
      settle();
    }
    move->cancel();
    runOut();
    if (recorded > 0) {
      EXPECT_EQ(outcome(moving), "switched") << "too late";
      break;
    }
    EXPECT_EQ(outcome(moving), "cancelled");
    EXPECT_FALSE(partition->holdsAppends());
    EXPECT_EQ(all(), before);
  }
  EXPECT_GT(steps, 8);
  EXPECT_EQ(all(), before);
}

TEST_F(LogMoveTest, ARefusedSwitchLeavesEverythingAsItIs) {
  open();
  append({{"a"}});
  settle();
  refused = true;
  EXPECT_EQ(moveNow(), "cancelled meanwhile");
  EXPECT_EQ(append({{"b"}}), 2);
  settle();
  EXPECT_EQ(reopened(*engine), "0 a@1000 1 b@1000 ");
}

TEST_F(LogMoveTest, ASwitchThatCouldNotBeWrittenDown) {
  open();
  append({{"a"}});
  settle();
  thrown = KJ_EXCEPTION(OVERLOADED, "no space left");
  EXPECT_NE(moveNow().find("no space left"), std::string::npos);
  EXPECT_EQ(append({{"b"}}), 2) << "nothing was written: the source is in charge";
  settle();
  EXPECT_EQ(highWatermark(), 2);
}

// Whatever was appended now could be lost: the other log may be the one that is opened next.
TEST_F(LogMoveTest, ASwitchOfWhichNobodyKnowsTakesThePartitionOffline) {
  open();
  append({{"a"}});
  settle();
  holdRecord = true;
  auto moving = begin();
  settle();
  auto waiting = appendWhenReleased({{"b"}});
  recordNow->reject(KJ_EXCEPTION(FAILED, "input/output error"));
  settle();
  EXPECT_EQ(outcome(moving), "unknown");
  EXPECT_FALSE(partition->holdsAppends());
  EXPECT_EQ(waiting.wait(scope).error().code, ErrorCode::kStorageError);
  EXPECT_TRUE(partition->isOffline());
  EXPECT_NE(moveNow().find("is offline"), std::string::npos) << "another attempt would begin with an empty copy";
  move = nullptr;
  partition = nullptr;
  EXPECT_EQ(boundsIn(*engine).end, Offset(1));
  EXPECT_EQ(boundsIn(*other).end, Offset(1)) << "both hold the same";
}

TEST_F(LogMoveTest, TheOtherEngineFailsAtEveryCall) {
  for (auto type : {kj::Exception::Type::FAILED, kj::Exception::Type::OVERLOADED}) {
    engine->drop(logId());
    open();
    for (int i = 0; i < 6; ++i)
      append({{"r"}});
    settle();
    ASSERT_TRUE(partition->deleteRecords(Offset(1)).ok());
    int64_t end = 6;
    uint64_t call = 1;
    for (;; ++call) {
      faulty.failAt(call, type);
      // In one slice, however many batches there are by now: the calls do not grow in number.
      auto result = moveNow(MovePace{.syncEvery = Bytes(1)});
      if (!faulty.failed()) {
        EXPECT_EQ(result, "switched");
        break;
      }
      EXPECT_NE(result.find("stays where it is: "), std::string::npos) << result;
      EXPECT_NE(result.find("no more"), std::string::npos) << result;
      EXPECT_FALSE(partition->holdsAppends());
      EXPECT_EQ(append({{"r"}}), ++end) << "call " << call;
      settle();
      EXPECT_EQ(highWatermark(), end);
    }
    faulty.failAt(0, type);
    EXPECT_GT(call, 6u);
    EXPECT_EQ(partition->status().logStart, Offset(1));
    EXPECT_EQ(partition->status().end.value(), end);
    partition->close().wait(scope);
    partition = nullptr;
    move = nullptr;
  }
}

TEST_F(LogMoveTest, ASourceThatFailsIsOfflineAsEver) {
  open();
  append({{"a"}});
  settle();
  pool.holding = true;
  append({{"b"}});
  store.failNextSync("input/output error");
  auto moving = begin();
  runOut();
  EXPECT_NE(outcome(moving).find("is offline: sync failed"), std::string::npos) << "nothing was moved over it";
  EXPECT_EQ(recorded, 0);
}

TEST_F(LogMoveTest, ADeviceWithoutRoomIsNotFilled) {
  open();
  for (int i = 0; i < 8; ++i)
    append({{"r"}});
  settle();
  for (int room = 0;; ++room) {
    roomFor = room;
    MovePace pace{.sliceBytes = Bytes(1), .spaceCheckEvery = Bytes(150)};
    auto moving = begin(pace);
    settle();
    auto result = outcome(moving);
    if (result == "switched") {
      EXPECT_GT(room, 2);
      break;
    }
    EXPECT_EQ(result, "partition words-0 stays where it is: the disk is full");
    EXPECT_EQ(recorded, 0);
  }
}

// --- Pace
// -------------------------------------------------------------------------------------------------------------

TEST_F(LogMoveTest, ThePaceIsKept) {
  open();
  for (int i = 0; i < 10; ++i)
    append({{std::string(1000, 'x')}});
  settle();
  MovePace pace{.sliceBytes = Bytes(1), .bytesPerSecond = Bytes(2000)};
  auto moving = begin(pace);
  settle();
  EXPECT_EQ(outcome(moving), "still moving");
  EXPECT_LT(move->status().copied.value(), 3000u);
  int64_t seconds = 0;
  for (; !moving.poll(scope) && seconds < 60; ++seconds) {
    clock.nowMs += 1000;
    advance(1000);
  }
  EXPECT_EQ(outcome(moving), "switched");
  // 10 batches of some 2 KB.
  EXPECT_GE(seconds, 8);
  EXPECT_LE(seconds, 12);
}

TEST_F(LogMoveTest, ThePaceDoesNotKeepAMoveFromCatchingUp) {
  open();
  for (int i = 0; i < 10; ++i)
    append({{std::string(1000, 'x')}});
  settle();
  MovePace pace{.sliceBytes = Bytes(1), .bytesPerSecond = Bytes(2000)};
  auto moving = begin(pace);
  // Producers are faster than the pace.
  int64_t seconds = 0;
  for (; !moving.poll(scope) && seconds < 60; ++seconds) {
    for (int i = 0; i < 2 && !partition->holdsAppends(); ++i)
      append({{std::string(1000, 'x')}});
    clock.nowMs += 1000;
    advance(1000);
  }
  EXPECT_EQ(outcome(moving), "switched");
  EXPECT_LT(seconds, 20);
}

TEST_F(LogMoveTest, ACancelDoesNotWaitForThePace) {
  open();
  for (int i = 0; i < 10; ++i)
    append({{std::string(1000, 'x')}});
  settle();
  MovePace pace{.sliceBytes = Bytes(1), .bytesPerSecond = Bytes(1)};
  auto moving = begin(pace);
  settle();
  EXPECT_EQ(outcome(moving), "still moving");
  move->cancel();
  settle();
  EXPECT_EQ(outcome(moving), "cancelled");
}

// --- The gate
// ---------------------------------------------------------------------------------------------------------

TEST(AppendGateTest, WhatWaitsIsBoundedAndGoesInOrder) {
  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  AppendGate gate(Bytes(10));
  auto wait = [&](size_t bytes) { return gate.wait(AppendGate::Waiting{kj::heapArray<kj::byte>(bytes), false, 0}); };
  std::vector<size_t> let;
  auto letIn = [&] {
    for (;;) {
      KJ_IF_MAYBE(first, gate.first()) {
        let.push_back(first->batches.size());
        Offset next(static_cast<int64_t>(let.size()));
        gate.finishFirst(AppendOutcome{.baseOffset = next - 1, .nextOffset = next, .logStart = Offset(0)});
      } else {
        return;
      }
    }
  };
  gate.hold();
  auto large = wait(50);
  auto beyond = wait(1);
  ASSERT_TRUE(beyond.poll(scope));
  EXPECT_EQ(beyond.wait(scope).error().code, ErrorCode::kRequestTimedOut);
  letIn();
  EXPECT_EQ(let.size(), 0u) << "everybody is kept in";
  gate.release();
  EXPECT_TRUE(gate.closed()) << "whoever comes now waits behind the one that waits already";
  letIn();
  EXPECT_FALSE(gate.closed());
  EXPECT_EQ(large.wait(scope).value().nextOffset, Offset(1));
  gate.hold();
  auto one = wait(4);
  auto two = wait(6);
  {
    auto dropped = wait(1);
  }
  EXPECT_EQ(gate.waiting(), 2u) << "what is refused does not wait";
  gate.release();
  letIn();
  EXPECT_EQ(let, (std::vector<size_t>{50, 4, 6}));
  EXPECT_EQ(two.wait(scope).value().nextOffset, Offset(3));
  EXPECT_EQ(one.wait(scope).value().nextOffset, Offset(2));
}

}  // namespace
}  // namespace cambium
