#include "tests/fuzz/recovery_store.h"

#include <cstring>

#include <kj/debug.h>

#include "backends/native/native_engine.h"
#include "tests/support/batches.h"

namespace cambium {

kj::StringPtr recoveryPath(RecoveryFile file) {
  switch (file) {
    case RecoveryFile::kSegment:
      return "data/words-0/00000000000000000012.log";
    case RecoveryFile::kOffsetIndex:
      return "data/words-0/00000000000000000000.index";
    case RecoveryFile::kTimeIndex:
      return "data/words-0/00000000000000000000.timeindex";
    case RecoveryFile::kLogState:
      return "data/words-0/log-state";
    case RecoveryFile::kCheckpoint:
      return "data/recovery-checkpoint";
    case RecoveryFile::kJournal:
      return "data/tables/0000000000000001.journal";
    case RecoveryFile::kSnapshot:
      return "data/tables/0000000000000001.snapshot";
  }
  KJ_UNREACHABLE;
}

LogId recoveryLogId() {
  kj::byte bytes[16];
  memset(bytes, 7, sizeof(bytes));
  return {kj::str("words-0"), Uuid::fromBytes(bytes)};
}

kj::Array<kj::byte> recoveryBatch(Offset base) {
  return makeBatch(base, 2, TimestampMs(1000 + base.value() % 1000), 39, 1);
}

void makeRecoveryStore(MemoryFileSystem& files, bool closed) {
  auto engine = openNativeEngine(files, "data", {});
  {
    auto log = engine->open(recoveryLogId(), {.segmentBytes = Bytes(600), .indexIntervalBytes = Bytes(150)});
    for (int i = 0; i < 10; ++i)
      log->append(recoveryBatch(Offset(2 * i)));
    syncNow(*log);
    log->dropBefore(Offset(3));
  }
  for (auto key : {"a"_kj, "b"_kj, "a"_kj}) {
    TableChange change{"offsets"_kj, key.asBytes(), ByteView("value"_kj.asBytes())};
    engine->commit(kj::arrayPtr(&change, 1));
  }
  if (closed) engine->close();
}

}  // namespace cambium
