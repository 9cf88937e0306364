#include "tests/support/rocks_files.h"

#include <mutex>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <kj/debug.h>

namespace cambium {

namespace {

using rocksdb::FileLock;
using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSRandomAccessFile;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

template <class Action>
IOStatus statusOf(Action&& action) {
  auto status = IOStatus::OK();
  auto thrown = kj::runCatchingExceptions([&] {
    if constexpr (std::is_same_v<decltype(action()), IOStatus>) {
      status = action();
    } else {
      action();
    }
  });
  KJ_IF_MAYBE(exception, thrown) {
    std::string message = exception->getDescription().cStr();
    bool full = exception->getType() == kj::Exception::Type::OVERLOADED;
    status = full ? IOStatus::NoSpace(message) : IOStatus::IOError(message);
  }
  return status;
}

IOStatus missing(const std::string& path) {
  return IOStatus::PathNotFound(path);
}

// Both ways of reading.
class Reader {
 public:
  explicit Reader(kj::Own<File> file) : file_(kj::mv(file)) {}

  IOStatus read(uint64_t position, size_t size, Slice* result, char* scratch) {
    return statusOf([&] {
      std::lock_guard lock(mutex_);
      *result = Slice(scratch, file_->read(position, kj::arrayPtr(reinterpret_cast<kj::byte*>(scratch), size)));
    });
  }

 private:
  std::mutex mutex_;
  kj::Own<File> file_;
};

class SequentialFile final : public FSSequentialFile {
 public:
  explicit SequentialFile(kj::Own<File> file) : reader_(kj::mv(file)) {}
  ~SequentialFile() noexcept override = default;
  IOStatus Read(size_t size, const IOOptions&, Slice* result, char* scratch, IODebugContext*) override {
    auto status = reader_.read(position_, size, result, scratch);
    if (status.ok()) position_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t bytes) override {
    position_ += bytes;
    return IOStatus::OK();
  }

 private:
  Reader reader_;
  uint64_t position_ = 0;
};

class RandomAccessFile final : public FSRandomAccessFile {
 public:
  explicit RandomAccessFile(kj::Own<File> file) : reader_(kj::mv(file)) {}
  ~RandomAccessFile() noexcept override = default;
  IOStatus Read(uint64_t position, size_t size, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return reader_.read(position, size, result, scratch);
  }

 private:
  mutable Reader reader_;
};

class WritableFile final : public FSWritableFile {
 public:
  explicit WritableFile(kj::Own<File> file) : file_(kj::mv(file)), size_(file_->size()) {}
  ~WritableFile() noexcept override = default;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return statusOf([&] {
      file_->write(size_, kj::arrayPtr(reinterpret_cast<const kj::byte*>(data.data()), data.size()));
      size_ += data.size();
    });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    if (size == size_) return IOStatus::OK();
    return statusOf([&] {
      file_->truncate(size);
      size_ = size;
    });
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return statusOf([&] { file_->sync(); });
  }
  bool IsSyncThreadSafe() const override { return true; }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  kj::Own<File> file_;
  uint64_t size_;
};

class RandomRWFile final : public rocksdb::FSRandomRWFile {
 public:
  explicit RandomRWFile(kj::Own<File> file) : file_(kj::mv(file)) {}
  ~RandomRWFile() noexcept override = default;
  IOStatus Write(uint64_t position, const Slice& data, const IOOptions&, IODebugContext*) override {
    return statusOf(
        [&] { file_->write(position, kj::arrayPtr(reinterpret_cast<const kj::byte*>(data.data()), data.size())); });
  }
  IOStatus Read(uint64_t, size_t, const IOOptions&, Slice*, char*, IODebugContext*) const override {
    return IOStatus::NotSupported("no reading here");
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return statusOf([&] { file_->sync(); });
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  kj::Own<File> file_;
};

class Directory final : public FSDirectory {
 public:
  Directory(FileSystem& files, kj::String path) : files_(files), path_(kj::mv(path)) {}
  ~Directory() noexcept override = default;
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return statusOf([&] { files_.syncDirectory(path_); });
  }

 private:
  FileSystem& files_;
  kj::String path_;
};

class SilentLogger final : public rocksdb::Logger {
 public:
  void Logv(const char*, va_list) override {}
  size_t GetLogFileSize() const override { return 0; }
};

class HeldLock final : public FileLock {
 public:
  explicit HeldLock(kj::Own<FileSystem::Lock> lock) : lock(kj::mv(lock)) {}
  ~HeldLock() noexcept override = default;
  kj::Own<FileSystem::Lock> lock;
};

class RocksFiles final : public rocksdb::FileSystem {
 public:
  RocksFiles(cambium::FileSystem& files, kj::StringPtr prefix) : files_(files), prefix_(kj::str(prefix, "/")) {}
  ~RocksFiles() noexcept override = default;

  const char* Name() const override { return "RocksFiles"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&, std::unique_ptr<FSSequentialFile>* result,
                             IODebugContext*) override {
    return statusOf([&] {
      if (!isFile(path)) return missing(path);
      result->reset(new SequentialFile(files_.open(inside(path), Mode::kRead)));
      return IOStatus::OK();
    });
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&, std::unique_ptr<FSRandomAccessFile>* result,
                               IODebugContext*) override {
    return statusOf([&] {
      if (!isFile(path)) return missing(path);
      result->reset(new RandomAccessFile(files_.open(inside(path), Mode::kRead)));
      return IOStatus::OK();
    });
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&, std::unique_ptr<FSWritableFile>* result,
                           IODebugContext*) override {
    return statusOf([&] {
      auto file = files_.open(inside(path), Mode::kCreate);
      if (file->size() > 0) file->truncate(0);
      result->reset(new WritableFile(kj::mv(file)));
    });
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&, std::unique_ptr<FSWritableFile>* result,
                              IODebugContext*) override {
    return statusOf([&] { result->reset(new WritableFile(files_.open(inside(path), Mode::kCreate))); });
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result, IODebugContext*) override {
    return statusOf([&] { result->reset(new RandomRWFile(files_.open(inside(path), Mode::kCreate))); });
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&, std::unique_ptr<FSDirectory>* result,
                        IODebugContext*) override {
    result->reset(new Directory(files_, inside(path)));
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    return statusOf([&] { return files_.exists(inside(path)) ? IOStatus::OK() : IOStatus::NotFound(path); });
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* result,
                       IODebugContext*) override {
    result->clear();
    return statusOf([&] {
      for (auto& entry : files_.list(inside(path)))
        result->push_back(entry.name.cStr());
    });
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return statusOf([&] {
      if (!files_.exists(inside(path))) return missing(path);
      files_.removeFile(inside(path));
      return IOStatus::OK();
    });
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options, IODebugContext* context) override {
    return CreateDirIfMissing(path, options, context);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return statusOf([&] { files_.createDirectory(inside(path)); });
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return statusOf([&] { files_.removeTree(inside(path)); });
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size, IODebugContext*) override {
    return statusOf([&] {
      if (!isFile(path)) return missing(path);
      *size = files_.open(inside(path), Mode::kRead)->size();
      return IOStatus::OK();
    });
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* time,
                                   IODebugContext*) override {
    *time = 0;
    return isFile(path) ? IOStatus::OK() : missing(path);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&, IODebugContext*) override {
    return statusOf([&] { files_.rename(inside(from), inside(to)); });
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, FileLock** result, IODebugContext*) override {
    return statusOf([&] {
      KJ_IF_MAYBE(lock, files_.tryLock(inside(path))) {
        *result = new HeldLock(kj::mv(*lock));
        return IOStatus::OK();
      }
      return IOStatus::IOError("lock " + path, "held by another process");
    });
  }
  IOStatus UnlockFile(FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string*, IODebugContext*) override {
    return IOStatus::NotSupported("no test directory");
  }
  // What the library notes for people is no part of the store.
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext*) override {
    *result = std::make_shared<SilentLogger>();
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* result, IODebugContext*) override {
    *result = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* result, IODebugContext*) override {
    return statusOf([&] { *result = files_.exists(inside(path)) && !isFile(path); });
  }
  IOStatus GetFreeSpace(const std::string&, const IOOptions&, uint64_t* free, IODebugContext*) override {
    return statusOf([&] { *free = files_.space().free.value(); });
  }

 private:
  using Mode = cambium::FileSystem::Mode;

  kj::String inside(const std::string& path) const {
    kj::StringPtr whole(path.c_str());
    KJ_REQUIRE(whole.startsWith(prefix_), "a path outside of the store", whole, prefix_);
    auto rest = whole.slice(prefix_.size());
    return rest.endsWith("/") ? kj::heapString(rest.slice(0, rest.size() - 1)) : kj::str(rest);
  }
  bool isFile(const std::string& path) {
    auto name = inside(path);
    auto folder = parentPath(name);
    auto last = folder.size() == 0 ? name.asPtr() : name.slice(folder.size() + 1);
    for (auto& entry : files_.list(folder)) {
      if (entry.name == last) return !entry.isDirectory;
    }
    return false;
  }

  cambium::FileSystem& files_;
  kj::String prefix_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> rocksFilesOver(FileSystem& files, kj::StringPtr prefix) {
  return std::make_shared<RocksFiles>(files, prefix);
}

}  // namespace cambium
