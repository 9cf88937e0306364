#pragma once

#include "backends/native/background_free.h"
#include "backends/native/descriptor_cache.h"
#include "engine/storage/file_system.h"

namespace cambium {

// Files below a folder of this machine. Safe on every thread. Files that are written are not buffered here: what
// write() has accepted, the system holds. An open file must not be renamed (its descriptor may be closed and opened
// again by name).
class DiskFileSystem final : public FileSystem {
 public:
  // `root` is made, with its parents, when it does not exist. At least one and at most `openFilesMax` descriptors are
  // kept.
  DiskFileSystem(kj::StringPtr root, size_t openFilesMax);

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
  Uuid bootId() override { return bootId_; }
  kj::String describe(kj::StringPtr path) override;

  // Descriptors of files that are open right now, for metrics. Locks are not among them.
  uint64_t openFiles() const { return descriptors_.openFiles(); }
  // The space of removed and replaced files comes back in the background; this waits until it has.
  void awaitFreed() { freeing_.wait(); }

 private:
  // Null while the root is the folder that it was when this was made.
  kj::Maybe<kj::String> whyRootIsGone();
  template <class Sync>
  void syncFolder(kj::StringPtr path, kj::StringPtr doing, Sync sync);

  kj::String root_;
  uint64_t rootDevice_ = 0, rootInode_ = 0;
  const Uuid bootId_;
  BackgroundFree freeing_;
  DescriptorCache descriptors_;
};

}  // namespace cambium
