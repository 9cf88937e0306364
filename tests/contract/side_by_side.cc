#include "tests/contract/side_by_side.h"

#include <algorithm>
#include <set>

namespace cambium {

SideBySide::SideBySide(BackendFixture& subject, size_t slots)
    : fixture_(subject), model_(openMemoryEngine(store_, {})) {
  for (size_t i = 0; i < slots; ++i)
    slots_.add().name = kj::str("random-", i);
}

void SideBySide::make(Slot& slot, kj::byte incarnation, LogOptions options) {
  note(slot.name, ": make, incarnation ", incarnation);
  slot.incarnation = incarnation;
  slot.options = options;
  slot.exists = true;
  openBoth(slot);
  EXPECT_EQ(slot.subject->bounds().end, Offset(0));
  compareList();
}

void SideBySide::drop(Slot& slot) {
  note(slot.name, ": drop");
  slot.subject = nullptr;
  slot.model = nullptr;
  slot.exists = false;
  subject().drop(logId(slot.name, slot.incarnation));
  model().drop(logId(slot.name, slot.incarnation));
  compareList();
}

void SideBySide::reopenLog(Slot& slot) {
  note(slot.name, ": close and open");
  slot.subject = nullptr;
  slot.model = nullptr;
  openBoth(slot);
  compareContents(slot);
}

void SideBySide::onBoth(Slot& slot, kj::FunctionParam<void(PartitionLog&)> change) {
  bool refused = failureOf([&] { change(*slot.model); }) != "";
  std::string failure = failureOf([&] { change(*slot.subject); });
  if (refused) {
    EXPECT_NE(failure, "") << "the subject does what the model refuses";
  } else {
    EXPECT_EQ(failure, "");
  }
}

void SideBySide::reopen() {
  note("close and open the engine");
  closeAll();
  fixture_.reopen();
  model_->close();
  model_ = nullptr;
  openAll();
  for (auto& slot : slots_) {
    if (slot.exists) EXPECT_EQ(slot.subject->bounds().durable, slot.subject->bounds().end) << "closing syncs";
  }
}

void SideBySide::kill() {
  note("kill");
  closeAll();
  fixture_.kill();
  model_ = nullptr;
  openAll();
}

// The model is only killed: it keeps everything, and is cut to what the subject kept.
void SideBySide::crash(int times) {
  note("crash, ", times, " times");
  closeAll();
  for (int i = 0; i < times; ++i)
    fixture_.crash();
  model_ = nullptr;
  model_ = openMemoryEngine(store_, {});
  for (auto& slot : slots_) {
    if (slot.exists) openAfterCrash(slot);
  }
  compareList();
  compareTables();
}

void SideBySide::openBoth(Slot& slot) {
  LogId id = logId(slot.name, slot.incarnation);
  slot.subject = subject().open(id.clone(), slot.options);
  slot.model = model().open(kj::mv(id), slot.options);
}

void SideBySide::openAfterCrash(Slot& slot) {
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

void SideBySide::closeAll() {
  for (auto& slot : slots_) {
    if (!slot.exists) continue;
    slot.atClose = slot.subject->bounds();
    slot.subject = nullptr;
    slot.model = nullptr;
  }
}

// After the subject was opened: opens the model and all logs; nothing may be missing.
void SideBySide::openAll() {
  model_ = openMemoryEngine(store_, {});
  compareList();
  for (auto& slot : slots_) {
    if (!slot.exists) continue;
    openBoth(slot);
    compareContents(slot);
    EXPECT_GE(slot.subject->bounds().durable, slot.atClose.durable);
  }
  compareTables();
}

kj::Vector<Offset> SideBySide::commonEdges(Slot& slot) {
  auto edgesOf = [](PartitionLog& log) {
    std::set<Offset> edges;
    for (auto& extent : log.extents()) {
      edges.insert(extent.first);
      edges.insert(extent.end);
    }
    return edges;
  };
  auto model = edgesOf(*slot.model);
  kj::Vector<Offset> common;
  for (auto edge : edgesOf(*slot.subject)) {
    if (model.count(edge) > 0) common.add(edge);
  }
  return common;
}

void SideBySide::compareBounds(Slot& slot) {
  auto subject = slot.subject->bounds();
  auto model = slot.model->bounds();
  EXPECT_EQ(subject.start, model.start);
  EXPECT_EQ(subject.end, model.end);
  EXPECT_GE(subject.durable, model.durable);
  EXPECT_LE(subject.durable, subject.end);
}

void SideBySide::compareContents(Slot& slot) {
  auto bounds = slot.model->bounds();
  auto got = slot.subject->read(bounds.start, bounds.end, kNoLimit);
  auto expected = slot.model->read(bounds.start, bounds.end, kNoLimit);
  EXPECT_EQ(ranges(got), ranges(expected)) << slot.name.cStr();
  EXPECT_TRUE(got.asPtr() == expected.asPtr()) << slot.name.cStr();
  EXPECT_EQ(text(slot.subject->maxTimestamp()), text(slot.model->maxTimestamp())) << slot.name.cStr();
  compareExtents(slot);
}

void SideBySide::compareExtents(Slot& slot) {
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

void SideBySide::compareList() {
  auto show = [](StorageEngine& engine) {
    std::string all;
    for (auto& id : engine.list())
      all += kj::str(id.name, "/", id.incarnation, " ").cStr();
    return all;
  };
  EXPECT_EQ(show(subject()), show(model()));
}

void SideBySide::compareTables() {
  for (auto table : kTables)
    compareScan(table, nullptr);
}

void SideBySide::compareScan(kj::StringPtr table, ByteView prefix) {
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
  EXPECT_TRUE(rows(subject()) == rows(model())) << "table " << table.cStr() << " differs";
}

std::string SideBySide::history() const {
  std::string all;
  for (auto& line : history_)
    all += "\n  " + line;
  return all;
}

}  // namespace cambium
