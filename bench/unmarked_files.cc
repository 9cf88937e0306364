#include "bench/unmarked_files.h"

namespace cambium::bench {

namespace {

// Written once, when it is made; later writes go nowhere.
class WrittenOnce final : public File {
 public:
  explicit WrittenOnce(kj::Own<File> inner) : inner_(kj::mv(inner)) {}
  void write(uint64_t position, ByteView data) override {
    if (!written_) inner_->write(position, data);
    written_ = true;
  }
  size_t read(uint64_t position, kj::ArrayPtr<kj::byte> buffer) override { return inner_->read(position, buffer); }
  uint64_t size() override { return inner_->size(); }
  void truncate(uint64_t size) override { inner_->truncate(size); }
  void sync() override { inner_->sync(); }

 private:
  kj::Own<File> inner_;
  bool written_ = false;
};

}  // namespace

kj::Own<File> UnmarkedFiles::open(kj::StringPtr path, Mode mode) {
  auto file = inner_.open(path, mode);
  if (!path.endsWith("sync-mark")) return file;
  return kj::heap<WrittenOnce>(kj::mv(file));
}

}  // namespace cambium::bench
