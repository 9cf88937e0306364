#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <rocksdb/file_system.h>
#include <set>

#include <kj/string.h>

#include "backends/rocksdb/durable_ends.h"

namespace cambium::rocks {

// In the store's folder. The library leaves files alone whose names it does not know.
constexpr kj::StringPtr kDurableFile = "DURABLE"_kj;

// Keeps the file DURABLE of an open store. It is written in place after each sync and synced only before a file of the
// write-ahead log goes and at a clean end: what a power loss leaves of it is an older version, which asks for less.
// When it cannot be written, it stays at such a version. Any thread.
class DurableFile {
 public:
  DurableFile(std::shared_ptr<rocksdb::FileSystem> files, std::string folder)
      : files_(std::move(files)), folder_(std::move(folder)) {}
  KJ_DISALLOW_COPY(DurableFile);

  // What the last run has left; null when there is no such file. Throws when it is damaged in every version.
  kj::Maybe<DurableEnds> read();
  // Begins to keep it, with `ends` of an earlier run, and makes it when it is missing. Durable on return.
  void begin(DurableEnds ends);
  // The library calls these through TrackedFiles.
  void walOpened(uint64_t number, uint64_t bytes);
  void walSynced(uint64_t number, uint64_t bytes);
  // Durable on return. When it fails, the file must stay.
  rocksdb::IOStatus walGoes(uint64_t number);
  void manifestSynced(uint64_t number, uint64_t bytes);
  // CURRENT names another one, which counts when the folder has been synced.
  void manifestChanged(uint64_t number);
  // Names in the folder that came before mark() are durable.
  uint64_t mark();
  void folderSynced(uint64_t mark);
  // Makes the file durable.
  void sync();

 private:
  std::string path() const { return folder_ + "/" + kDurableFile.cStr(); }
  // These are called with mutex_ held.
  void changed();
  rocksdb::IOStatus writeSlot(size_t slot);
  rocksdb::IOStatus writeDurably();

  struct NewWal {
    uint64_t madeAt = 0;
    uint64_t bytes = 0;
  };

  const std::shared_ptr<rocksdb::FileSystem> files_;
  const std::string folder_;
  std::mutex mutex_;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;  // null until begin()
  NumberedEnds numbered_;
  uint64_t names_ = 0;                      // counts names that came into the folder
  std::map<uint64_t, NewWal> newWals_;      // whose names may not be durable
  std::map<uint64_t, uint64_t> manifests_;  // synced bytes of those that are not the current one
  uint64_t nextManifest_ = 0;               // 0: none
  uint64_t nextManifestAt_ = 0;
};

}  // namespace cambium::rocks
