#pragma once

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/string.h>

#include "engine/base/quantity.h"
#include "engine/base/uuid.h"

namespace cambium {

// The little of a file system that an engine and the broker need. All paths are relative to the root that the
// implementation was made with, with '/' between parts, never starting or ending with one.
//
// Every failure throws a kj::Exception that names the path and the system's reason: type OVERLOADED when the device is
// full or descriptors have run out (the caller may go on later), FAILED otherwise. Implementations: DiskFileSystem
// (backends/native/disk_file_system.h) and, for tests, MemoryFileSystem with crashes and faults (tests/support).

// An open file. Used from one thread at a time, but for sync(), which may run on another one while the owner goes on
// reading and writing. Does not hold a descriptor all the time: the implementation may close and reopen the file below,
// so a file that is open costs memory only.
class File {
 public:
  virtual ~File() noexcept(false) = default;

  // Puts all of `data` at `position`, growing the file when needed. Readable at once, durable after sync().
  virtual void write(uint64_t position, ByteView data) = 0;
  // Fills `buffer` from `position`; returns the bytes read, fewer than asked only at the end of the file.
  virtual size_t read(uint64_t position, kj::ArrayPtr<kj::byte> buffer) = 0;
  virtual uint64_t size() = 0;
  // Cuts or (with zeros) extends the file.
  virtual void truncate(uint64_t size) = 0;
  // On return everything written before the call survives a power loss (fdatasync). After a failure the state of what
  // was not yet durable is unknown: the caller treats the file as lost and does not retry.
  virtual void sync() = 0;
};

// Any thread, all methods.
class FileSystem {
 public:
  enum class Mode {
    kRead,    // must exist; writing throws
    kWrite,   // must exist; read and write
    kCreate,  // read and write; made when missing
  };
  struct Entry {
    kj::String name;
    bool isDirectory;
    uint64_t sizeBytes;  // of a file
  };
  struct Space {
    Bytes free{};
    Bytes total{};
    // Why nothing can be written below the root, and what to do; null when it can, as far as is known.
    kj::Maybe<kj::String> whyReadOnly = nullptr;
  };
  // Held for as long as the object lives.
  class Lock {
   public:
    virtual ~Lock() noexcept(false) = default;
  };

  virtual ~FileSystem() noexcept(false) = default;

  // A new file's directory entry is durable after syncDirectory() of its folder.
  virtual kj::Own<File> open(kj::StringPtr path, Mode mode) = 0;
  virtual bool exists(kj::StringPtr path) = 0;
  // The entries of a folder, sorted by name; empty when the folder does not exist.
  virtual kj::Array<Entry> list(kj::StringPtr path) = 0;
  // Makes a folder with its parents; does nothing when it exists.
  virtual void createDirectory(kj::StringPtr path) = 0;
  // Replaces `to` atomically when it exists. Open files follow their contents only if the implementation says so: close
  // first.
  virtual void rename(kj::StringPtr from, kj::StringPtr to) = 0;
  // Does nothing when the file is not there.
  virtual void removeFile(kj::StringPtr path) = 0;
  // Removes a folder with everything in it; does nothing when it is not there.
  virtual void removeTree(kj::StringPtr path) = 0;
  // Makes creations, renames and removals in a folder durable. "" is the root.
  virtual void syncDirectory(kj::StringPtr path) = 0;
  // Makes everything durable that was written, made, renamed or removed before the call, in one go: for when that is
  // cheaper than file by file. May cover more than what lies below the root.
  virtual void syncAll() = 0;
  // Takes an exclusive lock on a file (made when missing) against other processes. Null when somebody else holds it.
  virtual kj::Maybe<kj::Own<Lock>> tryLock(kj::StringPtr path) = 0;
  virtual Space space() = 0;
  // Names the run of the machine: while it stays the same, nothing that was written can be missing because it was not
  // synced, whatever became of the process that wrote it. Zero when nobody knows.
  virtual Uuid bootId() = 0;
  // For messages: where the root is, for example "/var/lib/cambium".
  virtual kj::String describe(kj::StringPtr path) = 0;
};

// The whole contents of a small file. Throws when it is larger than `sizeMax`.
kj::Array<kj::byte> readWholeFile(FileSystem& fileSystem, kj::StringPtr path, size_t sizeMax = size_t{256} << 20);

// Replaces a file so that after a crash either the old or the new contents are there, whole: writes `path`.tmp, syncs
// it, renames it and syncs the folder. Durable on return.
void replaceFile(FileSystem& fileSystem, kj::StringPtr path, ByteView contents);
// Its two halves. The first needs space and changes nothing that anybody reads; the second needs none.
void prepareReplacement(FileSystem& fileSystem, kj::StringPtr path, ByteView contents);
void commitReplacement(FileSystem& fileSystem, kj::StringPtr path);

// The folder of a path: "a/b/c" -> "a/b", "c" -> "".
kj::String parentPath(kj::StringPtr path);

}  // namespace cambium
