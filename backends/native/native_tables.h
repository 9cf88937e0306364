#pragma once

#include <kj/debug.h>
#include <kj/function.h>

#include "backends/native/sync_mark.h"
#include "backends/native/table_snapshot.h"
#include "engine/base/guarded.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// Beside the folder of the tables, in the engine's own.
inline constexpr kj::StringPtr kTablesMarkName = "tables.sync-mark"_kj;
// The table in which the engine itself keeps which logs there are: name -> incarnation, 16 bytes.
inline constexpr kj::StringPtr kNativeRegister = "native_logs"_kj;

// The tables of an engine: kept in memory, every commit in a journal (table_journal.h), the journal folded into a
// snapshot (table_snapshot.h) when it has grown larger than 1 MiB and than twice what the tables hold. A generation is
// a snapshot and the journal that follows it; the next journal is made before the next snapshot, so a snapshot is never
// without one.
//
// Beside the folder lies "<folder>.sync-mark" (sync_mark.h): what was committed by its account must be there. It is
// renewed behind every commit, and made durable by the first one and by every opening.
//
// All methods on any thread. Commits that arrive while one is being synced are written and synced together. A failed
// sync breaks the tables until they are opened again; a full device refuses the commits at hand and nothing more.
class NativeTables {
 public:
  // Reads what is there. Throws, changing nothing, when it is damaged anywhere but in a torn end of the journal, which
  // is cut and, when it reads as zeros in part, set aside as "<journal>.cut-<position>". `report` gets a line for what
  // recovery does. The folder is made with the first commit.
  NativeTables(FileSystem& fileSystem, kj::String folder, kj::Function<void(kj::StringPtr)> report);
  KJ_DISALLOW_COPY(NativeTables);

  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) const;
  void scan(kj::StringPtr table, ByteView prefix, kj::FunctionParam<bool(ByteView, ByteView)> visit) const;
  void commit(kj::ArrayPtr<const TableChange> changes);
  // Of the files.
  Bytes sizeBytes() const;

 private:
  struct Waiting {
    kj::ArrayPtr<const TableChange> changes;
    bool done = false;
    kj::Maybe<kj::Exception> failure;
  };
  struct State {
    TableContents contents;
    uint64_t liveBytes = 0;  // of keys and values
    uint64_t sequence = 0;
    uint32_t checksum = 0;  // of the last commit
    uint64_t journalBytes = 0;
    uint64_t snapshotBytes = 0;
    kj::Vector<Waiting*> waiting;
    bool leading = false;  // somebody writes to the journal
    kj::Maybe<kj::String> broken;
  };

  void load(State& state);
  void checkMark(uint64_t sequence);
  void renewMark(const State& state, bool durably);
  void readJournal(State& state, kj::StringPtr path);
  void removeOlder();
  void begin();
  void lead(kj::ArrayPtr<Waiting* const> group);
  void write(kj::ArrayPtr<const kj::byte> record, uint64_t position);
  void compactIfLarge();
  void compact(uint64_t sequence);
  kj::String path(uint64_t generation, kj::StringPtr suffix) const;

  FileSystem& fileSystem_;
  const kj::String folder_;
  const kj::String markPath_;
  kj::Function<void(kj::StringPtr)> report_;
  Guarded<State> state_;
  // The leader's: written while it holds State::leading.
  uint64_t generation_ = 0;  // 0 when nothing was ever committed
  uint64_t compactAt_;
  kj::Maybe<kj::Own<File>> journal_;
  SyncMarkFile mark_;
  kj::Maybe<SyncMark> found_;  // when the tables were opened
};

}  // namespace cambium
