#pragma once

#include <atomic>

#include "engine/storage/file_system.h"

namespace cambium {

// A file system that is the real one of a folder, but for its size: what lies in the folder, whoever put it there,
// counts against a capacity, and what would exceed it is refused as a full device does. All methods on any thread.
class LimitedFileSystem final : public FileSystem {
 public:
  // `inner` must be rooted at a folder of its own.
  LimitedFileSystem(FileSystem& inner, uint64_t capacity) : inner_(inner), capacity_(capacity) {}

  // Also to below what is used: then nothing is free.
  void setCapacity(uint64_t bytes) { capacity_ = bytes; }
  uint64_t used();
  // Refuses all writes, and says why, as a file system does that is mounted read-only.
  void setReadOnly(bool isReadOnly) { readOnly_ = isReadOnly; }
  // Refuses all writes and says nothing.
  void failWrites(bool fails) { failing_ = fails; }

  kj::Own<File> open(kj::StringPtr path, Mode mode) override;
  bool exists(kj::StringPtr path) override { return inner_.exists(path); }
  kj::Array<Entry> list(kj::StringPtr path) override { return inner_.list(path); }
  void createDirectory(kj::StringPtr path) override {
    requireWritable(path);
    inner_.createDirectory(path);
  }
  void rename(kj::StringPtr from, kj::StringPtr to) override {
    requireWritable(to);
    inner_.rename(from, to);
  }
  void removeFile(kj::StringPtr path) override {
    requireWritable(path);
    inner_.removeFile(path);
  }
  void removeTree(kj::StringPtr path) override {
    requireWritable(path);
    inner_.removeTree(path);
  }
  void syncDirectory(kj::StringPtr path) override { inner_.syncDirectory(path); }
  void syncAll() override { inner_.syncAll(); }
  kj::Maybe<kj::Own<Lock>> tryLock(kj::StringPtr path) override { return inner_.tryLock(path); }
  Space space() override;
  Uuid bootId() override { return inner_.bootId(); }
  kj::String describe(kj::StringPtr path) override { return inner_.describe(path); }

 private:
  class LimitedFile;

  uint64_t usedBelow(kj::StringPtr path);
  void requireWritable(kj::StringPtr path);
  void requireRoom(uint64_t growth, kj::StringPtr path);

  FileSystem& inner_;
  std::atomic<uint64_t> capacity_;
  std::atomic<bool> readOnly_{false};
  std::atomic<bool> failing_{false};
};

}  // namespace cambium
