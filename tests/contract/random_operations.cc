#include "tests/contract/random_operations.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>

#include "engine/storage/memory_engine.h"

namespace cambium {
namespace {

constexpr size_t kSlots = 4;
constexpr size_t kHistory = 15;

// A place for a log. It has a name, and from time to time a log of that name.
struct Slot {
  kj::String name;
  kj::byte incarnation = 0;
  bool exists = false;
  LogOptions options;
  kj::Own<PartitionLog> subject;
  kj::Own<PartitionLog> model;
  Bounds atClose{};  // of the subject
};

class RandomRun {
 public:
  RandomRun(BackendFixture& subject, uint64_t seed) : subject_(subject), random_(seed) {
    for (size_t i = 0; i < kSlots; ++i)
      slots_.add().name = kj::str("random-", i);
  }

  void step();
  std::string history() const;

 private:
  using Operation = void (RandomRun::*)(Slot&);

  // Logs.
  void append(Slot& slot);
  void read(Slot& slot);
  void seek(Slot& slot);
  void sync(Slot& slot);
  void changeDuringSync(Slot& slot);
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

  void make(Slot& slot);
  void openBoth(Slot& slot);
  void closeAll();
  void openAll();
  void openAfterCrash(Slot& slot);
  void compareBounds(Slot& slot);
  void compareContents(Slot& slot);
  void compareExtents(Slot& slot);
  void compareList();
  void compareScan(kj::StringPtr table, ByteView prefix);
  void onBoth(Slot& slot, kj::FunctionParam<void(PartitionLog&)> change);

  uint64_t below(uint64_t n) { return random_() % n; }
  bool oneIn(uint64_t n) { return below(n) == 0; }
  Offset offsetIn(Offset first, Offset last) {
    return first + static_cast<int64_t>(below(static_cast<uint64_t>(last - first) + 1));
  }
  LogOptions someOptions();
  kj::Array<kj::byte> someBytes(size_t sizeMax);
  kj::StringPtr someTable();
  template <class... Parts>
  void note(Parts&&... parts) {
    history_.push_back(kj::str(kj::fwd<Parts>(parts)...).cStr());
    if (history_.size() > kHistory) history_.pop_front();
  }

  BackendFixture& subject_;
  std::mt19937_64 random_;
  std::deque<std::string> history_;
  int64_t time_ = 100'000;
  MemoryStore store_;
  kj::Own<StorageEngine> model_ = openMemoryEngine(store_, {});
  kj::Vector<Slot> slots_;
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

  auto& slot = slots_[below(kSlots)];
  if (choice->needsLog && !slot.exists) make(slot);
  (this->*choice->operation)(slot);
  if (slot.exists) compareBounds(slot);
}

std::string RandomRun::history() const {
  std::string all;
  for (auto& line : history_)
    all += "\n  " + line;
  return all;
}

void RandomRun::make(Slot& slot) {
  // Now and then the very log that was dropped.
  if (slot.incarnation == 0 || !oneIn(4)) ++slot.incarnation;
  slot.options = someOptions();
  slot.exists = true;
  note(slot.name, ": make, incarnation ", slot.incarnation);
  openBoth(slot);
  EXPECT_EQ(slot.subject->bounds().end, Offset(0));
  compareList();
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
    batches.addAll(makeBatch(base, records, TimestampMs(timestamp), size, random_()));
    base += records;
  }
  note(slot.name, ": append ", describeBatches(batches));
  EXPECT_EQ(slot.subject->append(batches), slot.model->append(batches));
}

void RandomRun::read(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset from = offsetIn(bounds.start, bounds.end);
  Offset upTo = oneIn(2) ? bounds.end : offsetIn(from, bounds.end);
  Bytes limit = oneIn(4) ? kNoLimit : Bytes(below(3000));
  note(slot.name, ": read(", from, ", ", upTo, ", ", limit, ")");
  auto got = slot.subject->read(from, upTo, limit);
  auto expected = slot.model->read(from, upTo, limit);
  EXPECT_EQ(ranges(got), ranges(expected));
  EXPECT_TRUE(got.asPtr() == expected.asPtr());
}

void RandomRun::seek(Slot& slot) {
  TimestampMs atLeast(oneIn(6) ? static_cast<int64_t>(below(200'000)) : time_ - static_cast<int64_t>(below(2000)));
  note(slot.name, ": seekTime(", atLeast, ")");
  EXPECT_EQ(text(slot.subject->seekTime(atLeast)), text(slot.model->seekTime(atLeast)));
  EXPECT_EQ(text(slot.subject->maxTimestamp()), text(slot.model->maxTimestamp()));
}

void RandomRun::sync(Slot& slot) {
  note(slot.name, ": sync");
  syncNow(*slot.subject);
  syncNow(*slot.model);
  EXPECT_EQ(slot.subject->bounds().durable, slot.subject->bounds().end);
}

void RandomRun::changeDuringSync(Slot& slot) {
  note(slot.name, ": sync starts");
  auto subjectJob = slot.subject->startSync();
  auto modelJob = slot.model->startSync();
  bool runFirst = oneIn(2);
  auto run = [&] {
    KJ_IF_MAYBE (job, subjectJob) {
      (*job)->run();
    }
    KJ_IF_MAYBE (job, modelJob) {
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
  note(slot.name, ": sync ends");
  KJ_IF_MAYBE (job, subjectJob) {
    slot.subject->finishSync(kj::mv(*job));
  }
  KJ_IF_MAYBE (job, modelJob) {
    slot.model->finishSync(kj::mv(*job));
  }
}

// Does the same to both; when the model refuses, so must the subject.
void RandomRun::onBoth(Slot& slot, kj::FunctionParam<void(PartitionLog&)> change) {
  bool refused = failureOf([&] { change(*slot.model); }) != "";
  std::string failure = failureOf([&] { change(*slot.subject); });
  if (refused) {
    EXPECT_NE(failure, "") << "the subject does what the model refuses";
  } else {
    EXPECT_EQ(failure, "");
  }
}

void RandomRun::dropBefore(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset start = offsetIn(bounds.start, oneIn(10) ? bounds.end : bounds.start + (bounds.end - bounds.start) / 3);
  note(slot.name, ": dropBefore(", start, ")");
  onBoth(slot, [start](PartitionLog& log) { log.dropBefore(start); });
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
  note(slot.name, ": truncateFrom(", end, ")");
  onBoth(slot, [end](PartitionLog& log) { log.truncateFrom(end); });
}

void RandomRun::reset(Slot& slot) {
  auto bounds = slot.model->bounds();
  Offset start = oneIn(2) ? offsetIn(Offset(0), bounds.end) : bounds.end + static_cast<int64_t>(below(1000));
  note(slot.name, ": resetTo(", start, ")");
  onBoth(slot, [start](PartitionLog& log) { log.resetTo(start); });
}

void RandomRun::configure(Slot& slot) {
  slot.options = someOptions();
  note(slot.name, ": configure, segmentBytes ", slot.options.segmentBytes);
  onBoth(slot, [&](PartitionLog& log) { log.configure(slot.options); });
}

void RandomRun::reopenLog(Slot& slot) {
  note(slot.name, ": close and open");
  slot.subject = nullptr;
  slot.model = nullptr;
  openBoth(slot);
  compareContents(slot);
}

void RandomRun::dropLog(Slot& slot) {
  note(slot.name, ": drop");
  slot.subject = nullptr;
  slot.model = nullptr;
  slot.exists = false;
  LogId id = logId(slot.name, slot.incarnation);
  subject_.engine().drop(id.clone());
  model_->drop(kj::mv(id));
  compareList();
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
  note("commit of ", count);
  subject_.engine().commit(changes);
  model_->commit(changes);
}

void RandomRun::look(Slot&) {
  auto table = someTable();
  auto key = someBytes(3);
  note("get and scan in ", table);
  auto got = subject_.engine().get(table, key);
  auto expected = model_->get(table, key);
  EXPECT_EQ(got == nullptr, expected == nullptr);
  KJ_IF_MAYBE (value, expected) {
    EXPECT_TRUE(KJ_ASSERT_NONNULL(got) == *value);
  }
  compareScan(table, someBytes(2));
}

void RandomRun::reopen(Slot&) {
  note("close and open the engine");
  closeAll();
  subject_.reopen();
  model_->close();
  model_ = nullptr;
  openAll();
  for (auto& slot : slots_) {
    if (slot.exists) EXPECT_EQ(slot.subject->bounds().durable, slot.subject->bounds().end) << "closing syncs";
  }
}

void RandomRun::kill(Slot&) {
  note("kill");
  closeAll();
  subject_.kill();
  model_ = nullptr;
  openAll();
}

void RandomRun::crash(Slot&) {
  closeAll();
  model_ = nullptr;
  model_ = openMemoryEngine(store_, {});
  note("crash");
  subject_.crash();
  // Power may fail again at once: what recovery did must not be lost by that, nor be believed before it is durable.
  if (oneIn(3)) subject_.crash();
  for (auto& slot : slots_) {
    if (slot.exists) openAfterCrash(slot);
  }
  compareList();
  for (auto table : {"offsets"_kj, "metadata"_kj, "t"_kj})
    compareScan(table, nullptr);
}

void RandomRun::openAfterCrash(Slot& slot) {
  openBoth(slot);
  auto kept = slot.subject->bounds();
  auto model = slot.model->bounds();
  note(slot.name, ": kept [", kept.start, ", ", kept.end, ") of [", model.start, ", ", model.end, ")");
  EXPECT_EQ(kept.start, model.start);
  EXPECT_GE(kept.end, slot.atClose.durable) << slot.name.cStr() << " lost what was durable";
  EXPECT_LE(kept.end, model.end);
  if (kept.end < model.end) {
    // An end at the start may lie inside of a batch, when the rest of the batch is gone.
    auto cut = failureOf(
        [&] { kept.end == kept.start ? slot.model->resetTo(kept.start) : slot.model->truncateFrom(kept.end); });
    EXPECT_EQ(cut, "") << slot.name.cStr() << " ends inside of a batch";
  }
  compareContents(slot);
}

void RandomRun::openBoth(Slot& slot) {
  LogId id = logId(slot.name, slot.incarnation);
  slot.subject = subject_.engine().open(id.clone(), slot.options);
  slot.model = model_->open(kj::mv(id), slot.options);
}

void RandomRun::closeAll() {
  for (auto& slot : slots_) {
    if (!slot.exists) continue;
    slot.atClose = slot.subject->bounds();
    slot.subject = nullptr;
    slot.model = nullptr;
  }
}

// After the subject was opened: opens the model and all logs; nothing may be missing.
void RandomRun::openAll() {
  model_ = openMemoryEngine(store_, {});
  compareList();
  for (auto& slot : slots_) {
    if (!slot.exists) continue;
    openBoth(slot);
    compareContents(slot);
    EXPECT_GE(slot.subject->bounds().durable, slot.atClose.durable);
  }
  for (auto table : {"offsets"_kj, "metadata"_kj, "t"_kj})
    compareScan(table, nullptr);
}

void RandomRun::compareBounds(Slot& slot) {
  auto subject = slot.subject->bounds();
  auto model = slot.model->bounds();
  EXPECT_EQ(subject.start, model.start);
  EXPECT_EQ(subject.end, model.end);
  EXPECT_GE(subject.durable, model.durable);
  EXPECT_LE(subject.durable, subject.end);
  if (oneIn(6)) compareContents(slot);
}

void RandomRun::compareContents(Slot& slot) {
  auto bounds = slot.model->bounds();
  auto got = slot.subject->read(bounds.start, bounds.end, kNoLimit);
  auto expected = slot.model->read(bounds.start, bounds.end, kNoLimit);
  EXPECT_EQ(ranges(got), ranges(expected)) << slot.name.cStr();
  EXPECT_TRUE(got.asPtr() == expected.asPtr()) << slot.name.cStr();
  EXPECT_EQ(text(slot.subject->maxTimestamp()), text(slot.model->maxTimestamp())) << slot.name.cStr();
  compareExtents(slot);
}

void RandomRun::compareExtents(Slot& slot) {
  auto bounds = slot.model->bounds();
  auto extents = slot.subject->extents();
  EXPECT_EQ(extents.size() == 0, bounds.start == bounds.end) << slot.name.cStr();
  if (extents.size() == 0) return;
  EXPECT_LE(extents[0].first, bounds.start);
  EXPECT_GT(extents[0].end, bounds.start);
  EXPECT_EQ(extents.back().end, bounds.end);
  for (size_t i = 0; i < extents.size(); ++i) {
    EXPECT_LT(extents[i].first, extents[i].end);
    EXPECT_GT(extents[i].bytes, Bytes(0));
    if (i == 0) continue;
    EXPECT_EQ(extents[i].first, extents[i - 1].end);
    auto newest = kNoTimestamp;
    auto contents = slot.model->read(extents[i].first, extents[i].end, kNoLimit);
    BatchIterator batches(contents);
    while (auto* batch = batches.next())
      newest = std::max(newest, batch->maxTimestamp());
    EXPECT_EQ(extents[i].maxTimestamp, newest) << slot.name.cStr() << ", extent from " << extents[i].first.value();
  }
}

void RandomRun::compareList() {
  auto show = [](StorageEngine& engine) {
    std::string all;
    for (auto& id : engine.list())
      all += kj::str(id.name, "/", id.incarnation, " ").cStr();
    return all;
  };
  EXPECT_EQ(show(subject_.engine()), show(*model_));
}

void RandomRun::compareScan(kj::StringPtr table, ByteView prefix) {
  auto rows = [&](StorageEngine& engine) {
    kj::Vector<kj::byte> all;
    engine.scan(table, prefix, [&](ByteView key, ByteView value) {
      kj::byte sizes[16];
      storeBigEndian(sizes, static_cast<uint64_t>(key.size()));
      storeBigEndian(sizes + 8, static_cast<uint64_t>(value.size()));
      all.addAll(kj::arrayPtr(sizes, sizeof(sizes)));
      all.addAll(key);
      all.addAll(value);
      return true;
    });
    return all.releaseAsArray();
  };
  EXPECT_TRUE(rows(subject_.engine()) == rows(*model_)) << "table " << table.cStr() << " differs";
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

kj::StringPtr RandomRun::someTable() {
  static constexpr kj::StringPtr kTables[] = {"offsets"_kj, "metadata"_kj, "t"_kj};
  return kTables[below(3)];
}

}  // namespace

void runRandomOperations(BackendFixture& subject, uint64_t seed, int steps) {
  RandomRun run(subject, seed);
  for (int i = 0; i < steps; ++i) {
    auto exception = kj::runCatchingExceptions([&] { run.step(); });
    KJ_IF_MAYBE (e, exception) {
      ADD_FAILURE() << kj::str(*e).cStr();
    }
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "CAMBIUM_SEED=" << seed << " does it again; step " << i << ", after" << run.history();
      return;
    }
  }
}

kj::Vector<uint64_t> randomSeeds() {
  kj::Vector<uint64_t> seeds;
  if (const char* given = std::getenv("CAMBIUM_SEED")) {
    seeds.add(kj::StringPtr(given).parseAs<uint64_t>());
    return seeds;
  }
  for (uint64_t seed = 1; seed <= 12; ++seed)
    seeds.add(seed);
  return seeds;
}

}  // namespace cambium
