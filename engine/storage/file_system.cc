#include "engine/storage/file_system.h"

#include <kj/debug.h>

namespace cambium {

kj::Array<kj::byte> readWholeFile(FileSystem& fileSystem, kj::StringPtr path, size_t sizeMax) {
  auto file = fileSystem.open(path, FileSystem::Mode::kRead);
  uint64_t size = file->size();
  KJ_REQUIRE(size <= sizeMax, "file is larger than anything this program writes there", fileSystem.describe(path), size,
             sizeMax);
  auto contents = kj::heapArray<kj::byte>(size);
  size_t got = file->read(0, contents);
  KJ_REQUIRE(got == size, "file shrank while it was read", fileSystem.describe(path), size, got);
  return contents;
}

void replaceFile(FileSystem& fileSystem, kj::StringPtr path, ByteView contents) {
  prepareReplacement(fileSystem, path, contents);
  commitReplacement(fileSystem, path);
}

void prepareReplacement(FileSystem& fileSystem, kj::StringPtr path, ByteView contents) {
  auto file = fileSystem.open(kj::str(path, ".tmp"), FileSystem::Mode::kCreate);
  file->truncate(0);
  file->write(0, contents);
  file->sync();
}

void commitReplacement(FileSystem& fileSystem, kj::StringPtr path) {
  fileSystem.rename(kj::str(path, ".tmp"), path);
  fileSystem.syncDirectory(parentPath(path));
}

kj::String parentPath(kj::StringPtr path) {
  KJ_IF_MAYBE(slash, path.findLast('/')) {
    return kj::str(path.slice(0, *slash));
  }
  return kj::str();
}

}  // namespace cambium
