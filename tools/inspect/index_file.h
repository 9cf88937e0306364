#pragma once

#include "engine/storage/file_system.h"

namespace cambium::tools {

// The entries of an index file, by number; holds a small part of the file. `Index` is OffsetIndex or TimeIndex.
template <class Index, class Entry>
class IndexFile {
 public:
  IndexFile(FileSystem& files, kj::StringPtr path)
      : file_(files.open(path, FileSystem::Mode::kRead)), bytes_(file_->size()) {}
  KJ_DISALLOW_COPY(IndexFile);

  // As it was when the file was opened.
  uint64_t bytes() const { return bytes_; }
  // Whole entries.
  uint64_t size() const { return bytes_ / Index::kEntryBytes; }

  // Null behind the last one.
  kj::Maybe<Entry> at(uint64_t number) {
    if (number >= size()) return nullptr;
    if (number < first_ || number >= first_ + count_) {
      first_ = number;
      size_t got = file_->read(number * Index::kEntryBytes, kj::arrayPtr(chunk_, sizeof(chunk_)));
      count_ = got / Index::kEntryBytes;
      if (count_ == 0) return nullptr;
    }
    return Entry::decode(chunk_ + (number - first_) * Index::kEntryBytes);
  }

 private:
  kj::Own<File> file_;
  const uint64_t bytes_;
  uint64_t first_ = 0;
  size_t count_ = 0;
  kj::byte chunk_[1024 * Index::kEntryBytes];
};

}  // namespace cambium::tools
