#pragma once

#include <functional>
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

  // What a power loss takes of what was not synced.
  struct Loss {
    enum class Kind {
      kUnsynced,     // all of it
      kNothing,      // nothing, as when a process is killed; it stays unsynced, for a later power loss to take
      kWrittenBack,  // nothing: the system had written all of it by itself before
      kTorn,         // of each file and folder what came last; of a write that is torn the first sectors are there
      kReordered,    // any sectors, in any of the versions they had, and any of the sizes; of a folder's names what
                     // came last
    };
    Kind kind = Kind::kUnsynced;
    size_t sectorBytes = 512;
    uint64_t seed = 0;  // of the choices
  };

  MemoryFileSystem();
  ~MemoryFileSystem() noexcept(false) override;

  // Power fails: everything that was not synced is gone. Open files and locks are dead; calls through them throw.
  void crash();
  // The same with another loss.
  void crash(Loss loss);
  // Loss::Kind::kReordered in sectors of 512 bytes.
  void crashPartly(uint64_t seed);
  // From now on the sync of a file or folder whose path `which` names does nothing, and says it did.
  void lieAboutSyncs(std::function<bool(kj::StringPtr)> which);
  // Every call fails from now on, until crash().
  void powerOff();
  bool isOff() const;
  // The n-th mutating call from now on (from 1) fails; 0 cancels.
  void failAt(uint64_t n, Fault fault);
  // Every write and truncate that extends a file, and the making of one, fails for lack of space while it is set.
  void setFull(bool full);
  // How many mutating calls there were.
  uint64_t mutations() const;
  // The same by the first part of the path.
  std::map<std::string, uint64_t> mutationsByFolder() const;
  // What the call did that failed last by failAt(), for example "sync native/words-0/log-state"; "" when none did.
  std::string failedAt() const;
  // Every name that a file or folder was ever made or renamed under.
  std::set<std::string> namesMade() const;
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
  // Changes with every crash but one that loses nothing.
  Uuid bootId() override;
  kj::String describe(kj::StringPtr path) override;

 private:
  struct State;
  class OpenFile;
  class HeldLock;

  Guarded<std::unique_ptr<State>> state_;
};

}  // namespace cambium
