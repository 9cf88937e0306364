#include "backends/rocksdb/tracked_files.h"

#include <atomic>
#include <rocksdb/env.h>

#include "backends/rocksdb/store_files.h"

namespace cambium::rocks {

namespace {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// One file of the write-ahead log, or one manifest.
class TrackedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using Synced = void (DurableFile::*)(uint64_t number, uint64_t bytes);

  TrackedFile(std::unique_ptr<FSWritableFile> file, uint64_t bytes, DurableFile& durable, uint64_t number,
              Synced synced)
      : FSWritableFileOwnerWrapper(std::move(file)),
        bytes_(bytes),
        durable_(durable),
        number_(number),
        synced_(synced) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    auto status = FSWritableFileOwnerWrapper::Append(data, options, context);
    if (status.ok()) bytes_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    auto status = FSWritableFileOwnerWrapper::Append(data, options, verification, context);
    if (status.ok()) bytes_ += data.size();
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    uint64_t bytes = bytes_.load();
    return told(FSWritableFileOwnerWrapper::Sync(options, context), bytes);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    uint64_t bytes = bytes_.load();
    return told(FSWritableFileOwnerWrapper::Fsync(options, context), bytes);
  }

 private:
  IOStatus told(IOStatus status, uint64_t bytes) {
    if (status.ok()) (durable_.*synced_)(number_, bytes);
    return status;
  }

  std::atomic<uint64_t> bytes_;  // one thread appends while another syncs
  DurableFile& durable_;
  const uint64_t number_;
  const Synced synced_;
};

class TrackedDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  TrackedDirectory(std::unique_ptr<FSDirectory> directory, DurableFile& durable)
      : FSDirectoryWrapper(std::move(directory)), durable_(durable) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    auto mark = durable_.mark();
    return told(FSDirectoryWrapper::Fsync(options, context), mark);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions& reason) override {
    auto mark = durable_.mark();
    return told(FSDirectoryWrapper::FsyncWithDirOptions(options, context, reason), mark);
  }

 private:
  IOStatus told(IOStatus status, uint64_t mark) {
    if (status.ok()) durable_.folderSynced(mark);
    return status;
  }

  DurableFile& durable_;
};

class TrackedFiles final : public rocksdb::FileSystemWrapper {
 public:
  TrackedFiles(const std::shared_ptr<rocksdb::FileSystem>& inner, DurableFile& durable)
      : FileSystemWrapper(inner), durable_(durable) {}

  const char* Name() const override { return "TrackedFiles"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options, std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* context) override {
    auto status = target()->NewWritableFile(path, options, result, context);
    if (status.ok()) track(path, 0, *result);
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* result, IODebugContext* context) override {
    uint64_t bytes = 0;
    target()->GetFileSize(path, IOOptions(), &bytes, context).PermitUncheckedError();
    auto status = target()->ReopenWritableFile(path, options, result, context);
    if (status.ok()) track(path, bytes, *result);
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options, std::unique_ptr<FSDirectory>* result,
                        IODebugContext* context) override {
    std::unique_ptr<FSDirectory> directory;
    auto status = target()->NewDirectory(path, options, &directory, context);
    if (status.ok()) *result = std::make_unique<TrackedDirectory>(std::move(directory), durable_);
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* context) override {
    KJ_IF_MAYBE(number, walNumber(fileName(path))) {
      auto told = durable_.walGoes(*number);
      if (!told.ok()) return told;
    }
    return target()->DeleteFile(path, options, context);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* context) override {
    auto status = target()->RenameFile(from, to, options, context);
    if (!status.ok() || fileName(to) != "CURRENT") return status;
    std::string name;
    if (rocksdb::ReadFileToString(target(), to, &name).ok() && name.ends_with('\n')) {
      name.pop_back();
      KJ_IF_MAYBE(number, manifestNumber(name)) durable_.manifestChanged(*number);
    }
    return status;
  }

 private:
  void track(const std::string& path, uint64_t bytes, std::unique_ptr<FSWritableFile>& file) {
    auto name = fileName(path);
    KJ_IF_MAYBE(number, walNumber(name)) {
      durable_.walOpened(*number, bytes);
      file = std::make_unique<TrackedFile>(std::move(file), bytes, durable_, *number, &DurableFile::walSynced);
      return;
    }
    KJ_IF_MAYBE(number, manifestNumber(name)) {
      file = std::make_unique<TrackedFile>(std::move(file), bytes, durable_, *number, &DurableFile::manifestSynced);
    }
  }

  DurableFile& durable_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> trackedFiles(std::shared_ptr<rocksdb::FileSystem> inner, DurableFile& durable) {
  return std::make_shared<TrackedFiles>(inner, durable);
}

}  // namespace cambium::rocks
