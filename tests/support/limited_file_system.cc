#include "tests/support/limited_file_system.h"

#include <kj/debug.h>

namespace cambium {

class LimitedFileSystem::LimitedFile final : public File {
 public:
  LimitedFile(LimitedFileSystem& owner, kj::Own<File> inner, kj::String path)
      : owner_(owner), inner_(kj::mv(inner)), path_(kj::mv(path)) {}

  void write(uint64_t position, ByteView data) override {
    owner_.requireWritable(path_);
    requireRoomFor(position + data.size());
    inner_->write(position, data);
  }
  size_t read(uint64_t position, kj::ArrayPtr<kj::byte> buffer) override { return inner_->read(position, buffer); }
  uint64_t size() override { return inner_->size(); }
  void truncate(uint64_t size) override {
    owner_.requireWritable(path_);
    requireRoomFor(size);
    inner_->truncate(size);
  }
  void sync() override { inner_->sync(); }

 private:
  void requireRoomFor(uint64_t end) {
    uint64_t size = inner_->size();
    if (end > size) owner_.requireRoom(end - size, path_);
  }

  LimitedFileSystem& owner_;
  kj::Own<File> inner_;
  kj::String path_;
};

kj::Own<File> LimitedFileSystem::open(kj::StringPtr path, Mode mode) {
  return kj::heap<LimitedFile>(*this, inner_.open(path, mode), kj::str(path));
}

uint64_t LimitedFileSystem::used() {
  return usedBelow("");
}

uint64_t LimitedFileSystem::usedBelow(kj::StringPtr path) {
  uint64_t sum = 0;
  // Others make and remove files meanwhile.
  kj::Array<Entry> entries;
  kj::runCatchingExceptions([&] { entries = inner_.list(path); });
  for (auto& entry : entries) {
    auto inner = path.size() == 0 ? kj::str(entry.name) : kj::str(path, "/", entry.name);
    sum += entry.isDirectory ? usedBelow(inner) : entry.sizeBytes;
  }
  return sum;
}

void LimitedFileSystem::requireWritable(kj::StringPtr path) {
  if (!readOnly_ && !failing_) return;
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                        kj::str("cannot write to ", describe(path), ": Read-only file system")));
}

void LimitedFileSystem::requireRoom(uint64_t growth, kj::StringPtr path) {
  if (space().free.value() >= growth) return;
  kj::throwFatalException(kj::Exception(kj::Exception::Type::OVERLOADED, __FILE__, __LINE__,
                                        kj::str("cannot write to ", describe(path), ": No space left on device")));
}

FileSystem::Space LimitedFileSystem::space() {
  auto space = inner_.space();
  if (space.whyReadOnly == nullptr && readOnly_) space.whyReadOnly = kj::str(describe(""), " is read-only");
  if (space.total == Bytes(0)) return space;
  uint64_t taken = used();
  uint64_t capacity = capacity_;
  space.free = Bytes(capacity - kj::min(capacity, taken));
  space.total = Bytes(capacity);
  return space;
}

}  // namespace cambium
