#include <cstring>

#include <kj/debug.h>

#include "backends/native/native_engine.h"
#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"
#include "engine/record/batch_view.h"
#include "tests/fuzz/recovery_store.h"

// Any bytes as one file of a native store that is opened: a segment, an offset index, a time index, a log state, the
// recovery checkpoint, the table journal or snapshot (the first byte chooses, see recovery_store.h). Whatever they are,
// the store opens or refuses with an exception; what it gives back are whole sound batches in order; it can be written
// to, and after a restart everything is still there. With the second byte odd, checksums are put right first, so that
// what lies behind them is reached.

namespace cambium {
namespace {

class Quiet final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity, const char*, int, int, kj::String&&) override {}
};

// The parts that have a checksum over a known range.
void repair(RecoveryFile kind, kj::ArrayPtr<kj::byte> bytes) {
  auto put = [&](size_t at, size_t from, size_t to) {
    if (from <= to && to <= bytes.size() && at + 4 <= bytes.size()) {
      storeBigEndian(bytes.begin() + at, crc32c(bytes.slice(from, to)));
    }
  };
  switch (kind) {
    case RecoveryFile::kSegment:
      for (size_t at = 0; at + batch_layout::kHeaderBytes <= bytes.size();) {
        auto size = BatchView::claimedSize(bytes.slice(at, bytes.size()));
        if (size < int64_t{batch_layout::kHeaderBytes} || size > static_cast<int64_t>(bytes.size() - at)) break;
        put(at + batch_layout::kCrc, at + batch_layout::kAttributes, at + static_cast<size_t>(size));
        at += static_cast<size_t>(size);
      }
      break;
    case RecoveryFile::kLogState:
    case RecoveryFile::kCheckpoint:
    case RecoveryFile::kSnapshot:
      put(4, 8, bytes.size());
      break;
    case RecoveryFile::kJournal:
      put(16, 0, 16);
      for (size_t at = 20; at + 12 <= bytes.size();) {
        auto size = loadBigEndian<uint32_t>(bytes.begin() + at);
        if (size > bytes.size() - at - 12) break;
        put(at + 4, at + 12, at + 12 + size);
        put(at + 8, at, at + 8);
        at += 12 + size;
      }
      break;
    case RecoveryFile::kOffsetIndex:
    case RecoveryFile::kTimeIndex:
      break;
  }
}

// All batches from the start on, which have to follow one another.
kj::Array<kj::byte> everythingOf(PartitionLog& log) {
  auto bounds = log.bounds();
  KJ_REQUIRE(bounds.start <= bounds.durable && bounds.durable <= bounds.end);
  kj::Vector<kj::byte> all;
  bool isFirst = true;
  for (auto next = bounds.start; next < bounds.end;) {
    auto piece = log.read(next, bounds.end, Bytes(1 << 16));
    KJ_REQUIRE(piece.size() > 0, "nothing where there must be something", next, bounds.end);
    BatchIterator batches(piece);
    while (auto* batch = batches.next()) {
      bool goesOn = isFirst ? batch->baseOffset() <= next : batch->baseOffset() == next;
      KJ_REQUIRE(goesOn, "a hole");
      KJ_REQUIRE(batch->nextOffset() > next && batch->crcMatches());
      next = batch->nextOffset();
      isFirst = false;
    }
    KJ_REQUIRE(batches.rest().size() == 0);
    all.addAll(piece);
  }
  log.seekTime(TimestampMs(1005));
  log.maxTimestamp();
  log.extents();
  return all.releaseAsArray();
}

struct Seen {
  kj::Array<kj::byte> batches;
  Bounds bounds;
};

// Opens, looks, writes. Null when the store refuses, which it may, in any of its calls; `refusal` says how.
kj::Maybe<Seen> use(FileSystem& files, bool write, kj::Maybe<kj::Exception>& refusal) {
  kj::Maybe<Seen> seen;
  kj::Own<StorageEngine> engine;
  refusal = kj::runCatchingExceptions([&] {
    engine = openNativeEngine(files, "data", {});
    engine->scan("offsets", nullptr, [](ByteView, ByteView) { return true; });
  });
  if (refusal != nullptr) return nullptr;
  kj::Own<PartitionLog> log;
  refusal = kj::runCatchingExceptions([&] { log = engine->open(recoveryLogId(), {}); });
  if (refusal != nullptr) return nullptr;
  kj::Array<kj::byte> before;
  // A damaged index or batch may show only when it is read.
  refusal = kj::runCatchingExceptions([&] { before = everythingOf(*log); });
  KJ_IF_MAYBE(exception, refusal) {
    bool saysWhy = strstr(exception->getDescription().cStr(), "damaged") != nullptr;
    KJ_REQUIRE(saysWhy, *exception);
    return nullptr;
  }
  auto bounds = log->bounds();
  if (write && bounds.end < Offset(int64_t{1} << 50)) {
    log->append(recoveryBatch(bounds.end));
    syncNow(*log);
    TableChange change{"offsets"_kj, "fuzz"_kj.asBytes(), ByteView("x"_kj.asBytes())};
    engine->commit(kj::arrayPtr(&change, 1));
  }
  return Seen{everythingOf(*log), log->bounds()};
}

void one(ByteView input) {
  if (input.size() < 2) return;
  Quiet quiet;
  auto kind = static_cast<RecoveryFile>(input[0] % kRecoveryFiles);
  auto bytes = kj::heapArray<kj::byte>(input.slice(2, input.size()));
  if (input[1] % 2 == 1) repair(kind, bytes);
  MemoryFileSystem files;
  // Cleanly closed or not. After a clean stop nobody looks at the log state.
  makeRecoveryStore(files, input[1] / 2 % 2 == 1 && kind != RecoveryFile::kLogState);
  auto file = files.open(recoveryPath(kind), FileSystem::Mode::kCreate);
  file->truncate(0);
  file->write(0, bytes);
  file->sync();
  kj::Maybe<kj::Exception> refusal;
  KJ_IF_MAYBE(seen, use(files, true, refusal)) {
    files.crash();
    auto after = use(files, false, refusal);
    KJ_IF_MAYBE(exception, refusal) KJ_FAIL_REQUIRE("a store that was sound is refused after a crash", *exception);
    auto& again = KJ_ASSERT_NONNULL(after);
    KJ_REQUIRE(again.bounds.start == seen->bounds.start && again.bounds.end == seen->bounds.end, seen->bounds.start,
               again.bounds.start, seen->bounds.end, again.bounds.end);
    KJ_REQUIRE(again.batches.asPtr() == seen->batches.asPtr(), "something else is there after a crash");
  }
}

}  // namespace
}  // namespace cambium

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto finding = kj::runCatchingExceptions([&] { cambium::one(kj::arrayPtr(data, size)); });
  KJ_IF_MAYBE(exception, finding) {
    fprintf(stderr, "%s\n", kj::str(*exception).cStr());
    abort();
  }
  return 0;
}
