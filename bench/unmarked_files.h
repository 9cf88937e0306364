#pragma once

#include "engine/storage/file_system.h"

namespace cambium::bench {

// Another file system, but for the native engine's sync marks: they are never renewed. What a sync costs without them.
class UnmarkedFiles final : public FileSystem {
 public:
  explicit UnmarkedFiles(FileSystem& inner) : inner_(inner) {}

  kj::Own<File> open(kj::StringPtr path, Mode mode) override;
  bool exists(kj::StringPtr path) override { return inner_.exists(path); }
  kj::Array<Entry> list(kj::StringPtr path) override { return inner_.list(path); }
  void createDirectory(kj::StringPtr path) override { inner_.createDirectory(path); }
  void rename(kj::StringPtr from, kj::StringPtr to) override { inner_.rename(from, to); }
  void removeFile(kj::StringPtr path) override { inner_.removeFile(path); }
  void removeTree(kj::StringPtr path) override { inner_.removeTree(path); }
  void syncDirectory(kj::StringPtr path) override { inner_.syncDirectory(path); }
  void syncAll() override { inner_.syncAll(); }
  kj::Maybe<kj::Own<Lock>> tryLock(kj::StringPtr path) override { return inner_.tryLock(path); }
  Space space() override { return inner_.space(); }
  Uuid bootId() override { return inner_.bootId(); }
  kj::String describe(kj::StringPtr path) override { return inner_.describe(path); }

 private:
  FileSystem& inner_;
};

}  // namespace cambium::bench
