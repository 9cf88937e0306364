#pragma once

#include "backends/native/disk_file_system.h"
#include "bench/batch_source.h"
#include "bench/unmarked_files.h"
#include "engine/storage/memory_engine.h"
#include "engine/storage/storage_engine.h"

namespace cambium::bench {

// A storage engine over a folder of its own, which goes with it.
class EngineSubject {
 public:
  // `kind` is native, native-unmarked (UnmarkedFiles), rocksdb or memory; `folder` is made, and must not exist.
  EngineSubject(kj::StringPtr kind, kj::String folder);
  ~EngineSubject() noexcept(false);
  KJ_DISALLOW_COPY(EngineSubject);

  StorageEngine& engine() { return *engine_; }
  kj::Own<PartitionLog> openLog();
  // Stops the engine, in order; its logs are gone by then.
  void closeCleanly();
  // Opens it again, after closeCleanly() or release().
  void start();
  // Lets go of the engine so that another process can have the folder.
  void release() { engine_ = nullptr; }
  kj::StringPtr folder() const { return folder_; }

 private:
  kj::String kind_;
  kj::String folder_;
  DiskFileSystem files_;
  UnmarkedFiles unmarked_{files_};
  MemoryStore memory_;
  kj::Own<StorageEngine> engine_;
};

// Appends as a partition does on behalf of a producer: checks the batch, stamps it, writes it. Returns the new end.
Offset appendAsPartition(PartitionLog& log, kj::ArrayPtr<kj::byte> batch);

// Appends `count` batches.
void fill(PartitionLog& log, BatchSource& source, uint64_t count);

// In a process of its own: opens the engine `kind` in `folder`, empties its log, fills it with `count` batches of
// `batch` bytes, syncing now and then but not at the end, and ends at once, without any tidying up. Throws when that
// process failed.
void fillAndDie(kj::StringPtr kind, kj::StringPtr folder, Bytes batch, uint64_t count);
// What that process does: main() calls it for the arguments that fillAndDie() starts it with, and does not return from
// it then.
void dieIfAsked(int argc, char** argv);

}  // namespace cambium::bench
