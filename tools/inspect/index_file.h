#pragma once

#include <algorithm>

#include "engine/storage/file_system.h"

namespace cambium::tools {

// The entries of an index file, by number; holds a small part of the file. `Index` is OffsetIndex or TimeIndex. Kafka
// makes an index as large as it may become; the entries of zeros at its end are room for further ones, and left out.
template <class Index, class Entry>
class IndexFile {
 public:
  IndexFile(FileSystem& files, kj::StringPtr path)
      : file_(files.open(path, FileSystem::Mode::kRead)), bytes_(file_->size()), size_(countUsed()) {}
  KJ_DISALLOW_COPY(IndexFile);

  // As it was when the file was opened.
  uint64_t bytes() const { return bytes_; }
  // Whole entries up to the last one that is not all zero.
  uint64_t size() const { return size_; }
  // Whole entries behind those.
  uint64_t zeros() const { return bytes_ / Index::kEntryBytes - size_; }

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
  uint64_t countUsed() {
    uint64_t used = bytes_ / Index::kEntryBytes;
    while (used > 0) {
      uint64_t first = used - kj::min(used, kChunkEntries);
      file_->read(first * Index::kEntryBytes, kj::arrayPtr(chunk_, (used - first) * Index::kEntryBytes));
      for (; used > first; --used) {
        auto* entry = chunk_ + (used - 1 - first) * Index::kEntryBytes;
        if (std::any_of(entry, entry + Index::kEntryBytes, [](kj::byte b) { return b != 0; })) return used;
      }
    }
    return 0;
  }

  static constexpr uint64_t kChunkEntries = 1024;

  kj::Own<File> file_;
  const uint64_t bytes_;
  const uint64_t size_;
  uint64_t first_ = 0;
  size_t count_ = 0;
  kj::byte chunk_[kChunkEntries * Index::kEntryBytes];
};

}  // namespace cambium::tools
