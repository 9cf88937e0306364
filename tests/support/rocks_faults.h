#pragma once

#include <functional>
#include <memory>

#include <kj/string.h>

namespace rocksdb {
class FileSystem;
}

namespace cambium {

// A file system for RocksDB that can lose power, fill up and fail. Files are real ones of the system; it keeps account
// of what was synced. Any thread, but crash().
//
// Of directories it knows new entries only: a file whose folder was not synced since it was made is gone after a crash.
// Renames and removals are taken to be durable at once.
class RocksFaults {
 public:
  RocksFaults();
  ~RocksFaults() noexcept(false);
  KJ_DISALLOW_COPY(RocksFaults);

  // For openRocksEngineOn(). Everything opened through it must be closed before crash() and the destructor.
  std::shared_ptr<rocksdb::FileSystem> fileSystem();

  // Cuts every file back to what was synced, plus a part, chosen by `keep`, of what was not: keep(unsynced bytes) ->
  // bytes kept.
  void crash(std::function<uint64_t(uint64_t)> keep = [](uint64_t) { return uint64_t{0}; });

  enum class SyncFailure { kInputOutput, kNoSpace };
  // The sync of a file whose name ends so ("" is any) that comes after `count` more fails, as do all later ones.
  void failSyncsAfter(uint64_t count, kj::StringPtr suffix = "", SyncFailure failure = SyncFailure::kInputOutput);
  void stopFailing();
  // While full, no file grows.
  void setFull(bool isFull);
  // While false, a full device says that it has room.
  void setFreeSpaceKnown(bool isKnown);
  // While set, every change of a file or folder fails as on a file system that was mounted read-only.
  void setReadOnly(bool isReadOnly);
  // While it is set, runs at the beginning of each sync of a write-ahead log file, on the thread that syncs.
  void onWalSync(std::function<void()> hook);

  // Syncs of write-ahead log files so far.
  uint64_t walSyncs() const;

 private:
  class State;
  class FaultyFile;
  class FaultyDirectory;
  class FaultySystem;
  std::shared_ptr<State> state_;
};

}  // namespace cambium
