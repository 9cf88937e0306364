#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/base/guarded.h"
#include "engine/storage/file_system.h"

namespace cambium {

// A file system in memory that can lose power and fail. What was written is there at once; what was synced is there
// after a crash. The contents of a file are synced by File::sync(), names (made, renamed, removed) by syncDirectory()
// of their folder.
//
// "Mutating calls" are File::write, truncate and sync, and open (where it makes a file), createDirectory, rename,
// removeFile, removeTree and syncDirectory; they are counted, and one of them can be made to fail. All methods on any
// thread.
class MemoryFileSystem final : public FileSystem {
 public:
  enum class Fault {
    kIoError,    // FAILED; nothing is done
    kNoSpace,    // OVERLOADED; nothing is done
    kTornWrite,  // FAILED; of a write the first half is done, of anything else nothing
    kPowerOff,   // FAILED, a write half done, and every later call fails as well until crash()
  };

  MemoryFileSystem();
  ~MemoryFileSystem() noexcept(false) override;

  // Power fails: everything that was not synced is gone. Open files and locks are dead; calls through them throw.
  void crash();
  // The same, but each folder and each sector of 512 bytes that was not synced may have reached the disk or not; sizes
  // too.
  void crashPartly(uint64_t seed);
  // The n-th mutating call from now on (from 1) fails; 0 cancels.
  void failAt(uint64_t n, Fault fault);
  // Every write and truncate that extends a file, and the making of one, fails for lack of space while it is set.
  void setFull(bool full);
  // How many mutating calls there were.
  uint64_t mutations() const;
  // Changes one bit of a file, on the disk too. Bits count from the first byte's lowest.
  void flipBit(kj::StringPtr path, uint64_t bit);

  kj::Own<File> open(kj::StringPtr path, Mode mode) override;
  bool exists(kj::StringPtr path) override;
  kj::Array<Entry> list(kj::StringPtr path) override;
  void createDirectory(kj::StringPtr path) override;
  void rename(kj::StringPtr from, kj::StringPtr to) override;
  void removeFile(kj::StringPtr path) override;
  void removeTree(kj::StringPtr path) override;
  void syncDirectory(kj::StringPtr path) override;
  void syncAll() override;
  kj::Maybe<kj::Own<Lock>> tryLock(kj::StringPtr path) override;
  Space space() override;
  kj::String describe(kj::StringPtr path) override;

 private:
  struct Node;
  struct State;
  class OpenFile;
  class HeldLock;

  Guarded<std::unique_ptr<State>> state_;
};

}  // namespace cambium
