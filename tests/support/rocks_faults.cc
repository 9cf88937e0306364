#include "tests/support/rocks_faults.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <rocksdb/file_system.h>

#include <kj/debug.h>

namespace cambium {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class RocksFaults::State {
 public:
  struct FileState {
    uint64_t size = 0;
    uint64_t synced = 0;
    bool isEntrySynced = false;
  };

  IOStatus mayGrow() {
    std::lock_guard<std::mutex> lock(mutex);
    if (isReadOnly) return IOStatus::IOError("injected: Read-only file system");
    return isFull ? IOStatus::NoSpace("injected: the device is full") : IOStatus::OK();
  }

  IOStatus mayChange() {
    std::lock_guard<std::mutex> lock(mutex);
    return isReadOnly ? IOStatus::IOError("injected: Read-only file system") : IOStatus::OK();
  }

  bool showsFull() {
    std::lock_guard<std::mutex> lock(mutex);
    return isFull && isFreeSpaceKnown;
  }

  IOStatus maySync(const std::string& path) {
    std::function<void()> hook;
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (path.ends_with(".log")) {
        ++walSyncs;
        hook = walSyncHook;
      }
    }
    if (hook) hook();
    std::lock_guard<std::mutex> lock(mutex);
    if (!isFailing || !path.ends_with(failSuffix)) return IOStatus::OK();
    if (syncsLeft > 0) {
      --syncsLeft;
      return IOStatus::OK();
    }
    if (failure == SyncFailure::kNoSpace) return IOStatus::NoSpace("injected: no space for what is synced", path);
    return IOStatus::IOError("injected: sync failed", path);
  }

  mutable std::mutex mutex;
  std::map<std::string, FileState> files;
  bool isFull = false;
  bool isReadOnly = false;
  bool isFreeSpaceKnown = true;
  bool isFailing = false;
  std::string failSuffix;
  SyncFailure failure = SyncFailure::kInputOutput;
  uint64_t syncsLeft = 0;
  uint64_t walSyncs = 0;
  std::function<void()> walSyncHook;
};

class RocksFaults::FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<FSWritableFile> file, std::string path, std::shared_ptr<State> state)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), state_(std::move(state)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    auto status = state_->mayGrow();
    if (status.ok()) status = FSWritableFileOwnerWrapper::Append(data, options, context);
    if (status.ok()) grow(data.size());
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    auto status = state_->mayGrow();
    if (status.ok()) status = FSWritableFileOwnerWrapper::Append(data, options, verification, context);
    if (status.ok()) grow(data.size());
    return status;
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* context) override {
    auto status = state_->mayChange();
    if (status.ok()) status = FSWritableFileOwnerWrapper::Truncate(size, options, context);
    if (!status.ok()) return status;
    std::lock_guard<std::mutex> lock(state_->mutex);
    auto& file = state_->files[path_];
    file.size = size;
    file.synced = kj::min(file.synced, size);
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override { return synced(); }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override { return synced(); }

 private:
  void grow(uint64_t bytes) {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->files[path_].size += bytes;
  }
  // The account decides what a crash keeps: the system's own sync would only take time.
  IOStatus synced() {
    uint64_t size = [&] {
      std::lock_guard<std::mutex> lock(state_->mutex);
      return state_->files[path_].size;
    }();
    auto status = state_->maySync(path_);
    if (!status.ok()) return status;
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->files[path_].synced = kj::max(state_->files[path_].synced, size);
    return status;
  }

  std::string path_;
  std::shared_ptr<State> state_;
};

class RocksFaults::FaultyDirectory final : public FSDirectory {
 public:
  FaultyDirectory(std::string path, std::shared_ptr<State> state) : path_(std::move(path)), state_(std::move(state)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    std::lock_guard<std::mutex> lock(state_->mutex);
    for (auto& [name, file] : state_->files) {
      if (std::filesystem::path(name).parent_path() == std::filesystem::path(path_)) file.isEntrySynced = true;
    }
    return IOStatus::OK();
  }

 private:
  std::string path_;
  std::shared_ptr<State> state_;
};

class RocksFaults::FaultySystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultySystem(std::shared_ptr<State> state)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), state_(std::move(state)) {}

  const char* Name() const override { return "RocksFaults"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* context) override {
    return wrap(path, 0, result, [&](auto* file) { return target()->NewWritableFile(path, options, file, context); });
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* result, IODebugContext* context) override {
    std::error_code missing;
    auto size = std::filesystem::file_size(path, missing);
    return wrap(path, missing ? 0 : size, result,
                [&](auto* file) { return target()->ReopenWritableFile(path, options, file, context); });
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options, std::unique_ptr<FSDirectory>* result,
                        IODebugContext* context) override {
    std::unique_ptr<FSDirectory> directory;
    auto status = target()->NewDirectory(path, options, &directory, context);
    if (status.ok()) result->reset(new FaultyDirectory(path, state_));
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* context) override {
    auto status = state_->mayChange();
    if (status.ok()) status = target()->RenameFile(from, to, options, context);
    std::lock_guard<std::mutex> lock(state_->mutex);
    auto found = state_->files.find(from);
    if (status.ok() && found != state_->files.end()) {
      auto file = found->second;
      file.isEntrySynced = true;
      state_->files.erase(found);
      state_->files[to] = file;
    }
    return status;
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* free,
                        IODebugContext* context) override {
    if (state_->showsFull()) {
      *free = 0;
      return IOStatus::OK();
    }
    return target()->GetFreeSpace(path, options, free, context);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* context) override {
    auto status = state_->mayChange();
    if (status.ok()) status = target()->DeleteFile(path, options, context);
    std::lock_guard<std::mutex> lock(state_->mutex);
    if (status.ok()) state_->files.erase(path);
    return status;
  }

 private:
  template <class Open>
  IOStatus wrap(const std::string& path, uint64_t size, std::unique_ptr<FSWritableFile>* result, Open open) {
    std::unique_ptr<FSWritableFile> file;
    auto status = state_->mayGrow();
    if (status.ok()) status = open(&file);
    if (!status.ok()) return status;
    {
      std::lock_guard<std::mutex> lock(state_->mutex);
      auto& entry = state_->files[path];
      entry.size = size;
      entry.synced = kj::min(entry.synced, size);
    }
    result->reset(new FaultyFile(std::move(file), path, state_));
    return status;
  }

  std::shared_ptr<State> state_;
};

RocksFaults::RocksFaults() : state_(std::make_shared<State>()) {}
RocksFaults::~RocksFaults() noexcept(false) = default;

std::shared_ptr<rocksdb::FileSystem> RocksFaults::fileSystem() {
  return std::make_shared<FaultySystem>(state_);
}

void RocksFaults::crash(std::function<uint64_t(uint64_t)> keep) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  for (auto& [path, file] : state_->files) {
    if (!std::filesystem::exists(path)) continue;
    if (!file.isEntrySynced) {
      std::filesystem::remove(path);
      continue;
    }
    KJ_ASSERT(file.synced <= file.size, path.c_str(), file.synced, file.size);
    uint64_t unsynced = file.size - file.synced;
    uint64_t kept = file.synced + kj::min(keep(unsynced), unsynced);
    // Shorter still when the library has cut what it reserved.
    if (std::filesystem::file_size(path) > kept) std::filesystem::resize_file(path, kept);
  }
  state_->files.clear();
}

void RocksFaults::failSyncsAfter(uint64_t count, kj::StringPtr suffix, SyncFailure failure) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->isFailing = true;
  state_->syncsLeft = count;
  state_->failSuffix = suffix.cStr();
  state_->failure = failure;
}

void RocksFaults::stopFailing() {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->isFailing = false;
}

void RocksFaults::setFull(bool isFull) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->isFull = isFull;
}

void RocksFaults::setFreeSpaceKnown(bool isKnown) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->isFreeSpaceKnown = isKnown;
}

void RocksFaults::setReadOnly(bool isReadOnly) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->isReadOnly = isReadOnly;
}

void RocksFaults::onWalSync(std::function<void()> hook) {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->walSyncHook = std::move(hook);
}

uint64_t RocksFaults::walSyncs() const {
  std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->walSyncs;
}

}  // namespace cambium
