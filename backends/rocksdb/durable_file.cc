#include "backends/rocksdb/durable_file.h"

#include <rocksdb/env.h>

#include "backends/rocksdb/check.h"

namespace cambium::rocks {

namespace {

rocksdb::Slice sliceOf(ByteView bytes) {
  return rocksdb::Slice(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}

}  // namespace

kj::Maybe<DurableEnds> DurableFile::read() {
  if (!files_->FileExists(path(), rocksdb::IOOptions(), nullptr).ok()) return nullptr;
  std::string contents;
  check(rocksdb::ReadFileToString(files_.get(), path(), &contents), path().c_str());
  KJ_IF_MAYBE(found, decodeSlots(kj::arrayPtr(contents.data(), contents.size()).asBytes())) {
    std::lock_guard lock(mutex_);
    numbered_.version = found->version;
    return kj::mv(found->ends);
  }
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(path().c_str(), " is damaged")));
}

void DurableFile::begin(DurableEnds ends) {
  std::lock_guard lock(mutex_);
  numbered_.ends = std::move(ends);
  uint64_t size = 0;
  auto looked = files_->GetFileSize(path(), rocksdb::IOOptions(), &size, nullptr);
  if (!looked.ok() || size != kDurableSlots * kDurableSlotBytes) {
    // Takes its room now: later there may be none.
    check(rocksdb::WriteStringToFile(files_.get(), std::string(kDurableSlots * kDurableSlotBytes, '\0'), path(), true),
          path().c_str());
    std::unique_ptr<rocksdb::FSDirectory> directory;
    check(files_->NewDirectory(folder_, rocksdb::IOOptions(), &directory, nullptr), folder_.c_str());
    check(directory->Fsync(rocksdb::IOOptions(), nullptr), folder_.c_str());
  }
  check(files_->NewRandomRWFile(path(), rocksdb::FileOptions(), &file_, nullptr), path().c_str());
  check(writeDurably(), path().c_str());
}

void DurableFile::walOpened(uint64_t number, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (bytes == 0) numbered_.ends.walBytes.erase(number);
  if (!numbered_.ends.walBytes.contains(number)) newWals_[number] = NewWal{++names_, 0};
}

void DurableFile::walSynced(uint64_t number, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  auto made = newWals_.find(number);
  auto& known = made != newWals_.end() ? made->second.bytes : numbered_.ends.walBytes[number];
  if (known >= bytes) return;
  known = bytes;
  if (made == newWals_.end()) changed();
}

rocksdb::IOStatus DurableFile::walGoes(uint64_t number) {
  std::lock_guard lock(mutex_);
  newWals_.erase(number);
  return numbered_.ends.walBytes.erase(number) > 0 ? writeDurably() : rocksdb::IOStatus::OK();
}

void DurableFile::manifestSynced(uint64_t number, uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (number != numbered_.ends.manifest) {
    manifests_[number] = bytes;
    return;
  }
  if (numbered_.ends.manifestBytes >= bytes) return;
  numbered_.ends.manifestBytes = bytes;
  changed();
}

void DurableFile::manifestChanged(uint64_t number) {
  std::lock_guard lock(mutex_);
  nextManifest_ = number;
  nextManifestAt_ = ++names_;
}

uint64_t DurableFile::mark() {
  std::lock_guard lock(mutex_);
  return names_;
}

void DurableFile::folderSynced(uint64_t mark) {
  std::lock_guard lock(mutex_);
  bool isNew = false;
  for (auto wal = newWals_.begin(); wal != newWals_.end();) {
    auto& [number, made] = *wal;
    if (made.madeAt > mark) {
      ++wal;
      continue;
    }
    if (made.bytes > 0) isNew = true;
    numbered_.ends.walBytes[number] = made.bytes;
    wal = newWals_.erase(wal);
  }
  if (nextManifest_ != 0 && nextManifestAt_ <= mark) {
    numbered_.ends.manifest = nextManifest_;
    numbered_.ends.manifestBytes = manifests_[nextManifest_];
    manifests_.clear();
    nextManifest_ = 0;
    isNew = true;
  }
  if (isNew) changed();
}

void DurableFile::sync() {
  std::lock_guard lock(mutex_);
  check(writeDurably(), path().c_str());
}

void DurableFile::changed() {
  if (file_ == nullptr) return;
  ++numbered_.version;
  // An older version asks for less.
  writeSlot(numbered_.version % kDurableSlots).PermitUncheckedError();
}

rocksdb::IOStatus DurableFile::writeSlot(size_t slot) {
  auto bytes = encodeSlot(numbered_);
  return file_->Write(slot * kDurableSlotBytes, sliceOf(bytes), rocksdb::IOOptions(), nullptr);
}

// In both slots, so that no version that asks for a file that is about to go can come back.
rocksdb::IOStatus DurableFile::writeDurably() {
  if (file_ == nullptr) return rocksdb::IOStatus::OK();
  ++numbered_.version;
  for (size_t slot = 0; slot < kDurableSlots; ++slot) {
    auto status = writeSlot(slot);
    if (!status.ok()) return status;
  }
  return file_->Sync(rocksdb::IOOptions(), nullptr);
}

}  // namespace cambium::rocks
