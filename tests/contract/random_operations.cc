#include "tests/contract/random_operations.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/contract/rewriting.h"
#include "tests/contract/side_by_side.h"

namespace cambium {
namespace {

constexpr size_t kSlots = 4;

using Slot = SideBySide::Slot;

class RandomRun {
 public:
  RandomRun(BackendFixture& subject, uint64_t seed) : both_(subject, kSlots), random_(seed) {}

  void step();
  std::string history() const { return both_.history(); }

 private:
  using Operation = void (RandomRun::*)(Slot&);

  // Logs.
  void append(Slot& slot);
  void read(Slot& slot);
  void seek(Slot& slot);
  void sync(Slot& slot);
  void changeDuringSync(Slot& slot);
  void closeExtent(Slot& slot);
  void rewrite(Slot& slot);
  void dropBefore(Slot& slot);
  void truncate(Slot& slot);
  void reset(Slot& slot);
  void configure(Slot& slot);
  void reopenLog(Slot& slot);
  void dropLog(Slot& slot);
  // Tables.
  void commit(Slot&);
  void look(Slot&);
  // The engine as a whole.
  void reopen(Slot&);
  void kill(Slot&);
  void crash(Slot&);

  // A rewrite in one of the two.
  struct Side {
    PartitionLog* log;
    kj::Own<ExtentRewrite> rewrite{};
    std::string startFailure{};
    std::string failure{};
  };

  void make(Slot& slot);
  uint64_t below(uint64_t n) { return random_() % n; }
  bool oneIn(uint64_t n) { return below(n) == 0; }
  Offset offsetIn(Offset first, Offset last) {
    return first + static_cast<int64_t>(below(static_cast<uint64_t>(last - first) + 1));
  }
  LogOptions someOptions();
  kj::Array<kj::byte> someBytes(size_t sizeMax);
  kj::StringPtr someTable() { return SideBySide::kTables[below(3)]; }
  SideBySide both_;
  std::mt19937_64 random_;
  int64_t time_ = 100'000;  // what the clock shows
};

void RandomRun::step() {
  struct Choice {
    int weight;
    bool needsLog;
    Operation operation;
  };
  static constexpr Choice kChoices[] = {
      {30, true, &RandomRun::append},
      {12, true, &RandomRun::read},
      {8, true, &RandomRun::seek},
      {8, true, &RandomRun::sync},
      {4, true, &RandomRun::changeDuringSync},
      {4, true, &RandomRun::closeExtent},
      {6, true, &RandomRun::rewrite},
      {5, true, &RandomRun::dropBefore},
      {5, true, &RandomRun::truncate},
      {1, true, &RandomRun::reset},
      {2, true, &RandomRun::configure},
      {2, true, &RandomRun::reopenLog},
      {1, true, &RandomRun::dropLog},
      {6, false, &RandomRun::commit},
      {4, false, &RandomRun::look},
      {2, false, &RandomRun::reopen},
      {2, false, &RandomRun::kill},
      {4, false, &RandomRun::crash},
  };
  int total = 0;
  for (auto& choice : kChoices)
    total += choice.weight;
  int pick = static_cast<int>(below(static_cast<uint64_t>(total)));
  auto* choice = kChoices;
  while (pick >= choice->weight)
    pick -= (choice++)->weight;

  auto& slot = both_.slots()[below(kSlots)];
  if (choice->needsLog && !slot.exists) make(slot);
  (this->*choice->operation)(slot);
  if (!slot.exists) return;
  both_.compareBounds(slot);
  if (oneIn(6)) both_.compareContents(slot);
}

void RandomRun::make(Slot& slot) {
  // Now and then the very log that was dropped.
  int incarnation = slot.incarnation + (slot.incarnation == 0 || !oneIn(4) ? 1 : 0);
  both_.make(slot, static_cast<kj::byte>(incarnation), someOptions());
}

void RandomRun::append(Slot& slot) {
  kj::Vector<kj::byte> batches;
  Offset base = slot.model->bounds().end;
  auto count = 1 + below(5);
  for (uint64_t i = 0; i < count; ++i) {
    int records = oneIn(8) ? 1 + static_cast<int>(below(500)) : 1 + static_cast<int>(below(4));
    size_t size = oneIn(20) ? below(60'000) : below(300);
    time_ += static_cast<int64_t>(below(20));
    int64_t timestamp = oneIn(20) ? -1 : time_ - (oneIn(3) ? static_cast<int64_t>(below(300)) : 0);
    if (oneIn(30)) {
      batches.addAll(makeEmptyBatch(base, records, TimestampMs(timestamp)));
    } else {
      batches.addAll(makeBatch(base, records, TimestampMs(timestamp), size, random_()));
    }
    base += records;
  }
  both_.note(slot.name, ": append ", describeBatches(batches));
  EXPECT_EQ(slot.subject->append(batches), slot.model->append(batches));
}

void RandomRun::read(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset from = offsetIn(bounds.start, bounds.end);
  Offset upTo = oneIn(2) ? bounds.end : offsetIn(from, bounds.end);
  Bytes limit = oneIn(4) ? kNoLimit : Bytes(below(3000));
  both_.note(slot.name, ": read(", from, ", ", upTo, ", ", limit, ")");
  auto got = slot.subject->read(from, upTo, limit);
  auto expected = slot.model->read(from, upTo, limit);
  EXPECT_EQ(ranges(got), ranges(expected));
  EXPECT_TRUE(got.asPtr() == expected.asPtr());
}

void RandomRun::seek(Slot& slot) {
  TimestampMs atLeast(oneIn(6) ? static_cast<int64_t>(below(200'000)) : time_ - static_cast<int64_t>(below(2000)));
  both_.note(slot.name, ": seekTime(", atLeast, ")");
  EXPECT_EQ(text(slot.subject->seekTime(atLeast)), text(slot.model->seekTime(atLeast)));
  EXPECT_EQ(text(slot.subject->maxTimestamp()), text(slot.model->maxTimestamp()));
}

void RandomRun::sync(Slot& slot) {
  both_.note(slot.name, ": sync");
  syncNow(*slot.subject);
  syncNow(*slot.model);
  EXPECT_EQ(slot.subject->bounds().durable, slot.subject->bounds().end);
}

void RandomRun::changeDuringSync(Slot& slot) {
  both_.note(slot.name, ": sync starts");
  auto subjectJob = slot.subject->startSync();
  auto modelJob = slot.model->startSync();
  bool runFirst = oneIn(2);
  auto run = [&] {
    KJ_IF_MAYBE(job, subjectJob) {
      (*job)->run();
    }
    KJ_IF_MAYBE(job, modelJob) {
      (*job)->run();
    }
  };
  if (runFirst) run();
  for (auto changes = below(4); changes > 0; --changes) {
    static constexpr Operation kChanges[] = {&RandomRun::append, &RandomRun::append,     &RandomRun::truncate,
                                             &RandomRun::read,   &RandomRun::dropBefore, &RandomRun::reset};
    (this->*kChanges[below(std::size(kChanges))])(slot);
  }
  if (!runFirst) run();
  both_.note(slot.name, ": sync ends");
  KJ_IF_MAYBE(job, subjectJob) {
    slot.subject->finishSync(kj::mv(*job));
  }
  KJ_IF_MAYBE(job, modelJob) {
    slot.model->finishSync(kj::mv(*job));
  }
}

void RandomRun::closeExtent(Slot& slot) {
  both_.note(slot.name, ": close the extent");
  both_.onBoth(slot, [](PartitionLog& log) { log.closeExtent(); });
}

// Rewrites what lies between two edges of extents, while other things happen; both decide alike about it.
void RandomRun::rewrite(Slot& slot) {
  if (oneIn(2)) closeExtent(slot);
  sync(slot);
  auto edges = both_.commonEdges(slot);
  if (edges.size() < 2) return;
  size_t from = below(edges.size() - 1);
  Offset first = edges[from];
  Offset end = edges[from + 1 + below(oneIn(2) ? edges.size() - from - 1 : 1)];
  auto start = slot.model->bounds().start;
  both_.note(slot.name, ": rewrite of [", first, ", ", end, ") starts");
  Side sides[] = {{slot.model.get()}, {slot.subject.get()}};
  for (auto& side : sides)
    side.startFailure = failureOf([&] { side.rewrite = side.log->startRewrite(first, end); });
  // Whether the last extent is open is all that the two may see differently.
  if (sides[0].startFailure != "" || sides[1].startFailure != "") {
    bool isLast = end == slot.model->bounds().end;
    EXPECT_TRUE(isLast) << sides[0].startFailure << " / " << sides[1].startFailure;
    return;
  }
  uint64_t salt = random_();
  auto fateOf = [&](const BatchView& batch) {
    // An engine may have forgotten what lies below the log start.
    if (batch.baseOffset() <= start) return Fate::kKeep;
    auto mixed = (static_cast<uint64_t>(batch.baseOffset().value()) * 0x9e3779b97f4a7c15u) ^ salt;
    return static_cast<Fate>((mixed >> 40) % 3);
  };
  auto change = [&] {
    for (auto changes = below(3); changes > 0; --changes) {
      static constexpr Operation kChanges[] = {&RandomRun::append, &RandomRun::truncate,   &RandomRun::sync,
                                               &RandomRun::read,   &RandomRun::dropBefore, &RandomRun::closeExtent,
                                               &RandomRun::append, &RandomRun::reset};
      (this->*kChanges[below(std::size(kChanges))])(slot);
    }
  };
  if (oneIn(3)) change();
  for (auto& side : sides)
    side.failure = failureOf([&] { runRewrite(*side.rewrite, fateOf); });
  EXPECT_EQ(sides[0].failure == "", sides[1].failure == "") << sides[0].failure << " / " << sides[1].failure;
  if (oneIn(3)) change();
  if (oneIn(8) || sides[0].failure != "") {
    both_.note(slot.name, ": rewrite is given up");
    return;
  }
  bool done = slot.model->finishRewrite(kj::mv(sides[0].rewrite));
  both_.note(slot.name, ": rewrite ends, ", done ? "in place" : "overtaken");
  EXPECT_EQ(slot.subject->finishRewrite(kj::mv(sides[1].rewrite)), done);
  both_.compareContents(slot);
}

void RandomRun::dropBefore(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset start = offsetIn(bounds.start, oneIn(10) ? bounds.end : bounds.start + (bounds.end - bounds.start) / 3);
  both_.note(slot.name, ": dropBefore(", start, ")");
  both_.onBoth(slot, [start](PartitionLog& log) { log.dropBefore(start); });
}

void RandomRun::truncate(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset from = oneIn(8) ? bounds.start : offsetIn(bounds.start + (bounds.end - bounds.start) * 3 / 4, bounds.end);
  Offset end = from;
  // Mostly the boundary at or below `from`; else whatever it is, which is mostly refused.
  if (!oneIn(8) && from < bounds.end) {
    auto batches = slot.model->read(from, bounds.end, Bytes(0));
    end = std::max(bounds.start, KJ_ASSERT_NONNULL(BatchView::first(batches)).baseOffset());
  }
  both_.note(slot.name, ": truncateFrom(", end, ")");
  both_.onBoth(slot, [end](PartitionLog& log) { log.truncateFrom(end); });
}

void RandomRun::reset(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset start = oneIn(2) ? offsetIn(Offset(0), bounds.end) : bounds.end + static_cast<int64_t>(below(1000));
  both_.note(slot.name, ": resetTo(", start, ")");
  both_.onBoth(slot, [start](PartitionLog& log) { log.resetTo(start); });
}

void RandomRun::configure(Slot& slot) {
  slot.options = someOptions();
  both_.note(slot.name, ": configure, segmentBytes ", slot.options.segmentBytes);
  both_.onBoth(slot, [&](PartitionLog& log) { log.configure(slot.options); });
}

void RandomRun::reopenLog(Slot& slot) {
  both_.reopenLog(slot);
}

void RandomRun::dropLog(Slot& slot) {
  both_.drop(slot);
}

void RandomRun::commit(Slot&) {
  auto count = below(7);
  kj::Vector<kj::Array<kj::byte>> storage;
  kj::Vector<TableChange> changes;
  for (uint64_t i = 0; i < count; ++i) {
    ByteView key = storage.add(someBytes(3));
    TableChange change{someTable(), key, nullptr};
    if (!oneIn(3)) change.value = ByteView(storage.add(someBytes(oneIn(10) ? 5000 : 20)));
    changes.add(kj::mv(change));
  }
  both_.note("commit of ", count);
  both_.subject().commit(changes);
  both_.model().commit(changes);
}

void RandomRun::look(Slot&) {
  auto table = someTable();
  auto key = someBytes(3);
  both_.note("get and scan in ", table);
  auto got = both_.subject().get(table, key);
  auto expected = both_.model().get(table, key);
  EXPECT_EQ(got == nullptr, expected == nullptr);
  KJ_IF_MAYBE(value, expected) {
    EXPECT_TRUE(KJ_ASSERT_NONNULL(got) == *value);
  }
  both_.compareScan(table, someBytes(2));
}

void RandomRun::reopen(Slot&) {
  both_.reopen();
}

void RandomRun::kill(Slot&) {
  both_.kill();
}

// Power may fail again at once: what recovery did must not be lost by that, nor be believed before it is durable.
void RandomRun::crash(Slot&) {
  both_.crash(oneIn(3) ? 2 : 1);
}

LogOptions RandomRun::someOptions() {
  static constexpr uint64_t kSegmentBytes[] = {200, 1000, 10'000, 100'000, 1 << 20};
  static constexpr int64_t kSegmentMs[] = {10, 1000, 1'000'000'000};
  static constexpr uint64_t kIndexInterval[] = {64, 500, 4096};
  static constexpr uint64_t kIndexBytes[] = {64, 500, 10 << 20};
  return {Bytes(kSegmentBytes[below(5)]), kSegmentMs[below(3)], Bytes(kIndexInterval[below(3)]),
          Bytes(kIndexBytes[below(3)])};
}

// Few different bytes, so that keys meet; among them the first and the last.
kj::Array<kj::byte> RandomRun::someBytes(size_t sizeMax) {
  static constexpr kj::byte kAlphabet[] = {0, 'a', 'b', 0xff};
  auto bytes = kj::heapArray<kj::byte>(below(sizeMax + 1));
  for (auto& b : bytes)
    b = kAlphabet[below(4)];
  return bytes;
}

}  // namespace

void runRandomOperations(BackendFixture& subject, uint64_t seed, int steps) {
  RandomRun run(subject, seed);
  for (int i = 0; i < steps; ++i) {
    auto exception = kj::runCatchingExceptions([&] { run.step(); });
    KJ_IF_MAYBE(e, exception) {
      ADD_FAILURE() << kj::str(*e).cStr();
    }
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "CAMBIUM_SEED=" << seed << " does it again; step " << i << ", after" << run.history();
      return;
    }
  }
}

kj::Vector<uint64_t> randomSeeds(uint64_t usual) {
  kj::Vector<uint64_t> seeds;
  if (const char* given = std::getenv("CAMBIUM_SEED")) {
    seeds.add(kj::StringPtr(given).parseAs<uint64_t>());
    return seeds;
  }
  if (const char* count = std::getenv("CAMBIUM_SEEDS")) usual = kj::StringPtr(count).parseAs<uint64_t>();
  for (uint64_t seed = 1; seed <= usual; ++seed)
    seeds.add(seed);
  return seeds;
}

}  // namespace cambium
