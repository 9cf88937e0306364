#pragma once

#include "backends/native/native_log.h"

namespace cambium {

// The files and folders to sync, in that order, and then the state to write. Touches nothing of the log but the state
// file.
class NativeLog::Job final : public SyncJob {
 public:
  Job(FileSystem& fileSystem, Offset end, Bytes bytes) : fileSystem_(fileSystem), end_(end), bytes_(bytes) {}

  void addFile(kj::Own<const SharedFile> file, kj::String path) { files_.add(OpenFile{kj::mv(file), kj::mv(path)}); }
  void addPath(kj::String path) { paths_.add(kj::mv(path)); }
  void addFolder(kj::String path) { folders_.add(kj::mv(path)); }
  // Its place in the order of states is taken here.
  void addState(kj::Own<const LogStateFile> file, kj::Array<kj::byte> contents) {
    stateTicket_ = file->ticket();
    stateFile_ = kj::mv(file);
    state_ = kj::mv(contents);
  }

  Offset end() const override { return end_; }
  Bytes bytes() const override { return bytes_; }
  void run() override;

 private:
  void syncFiles();
  void writeState();

  struct OpenFile {
    kj::Own<const SharedFile> file;
    kj::String path;
  };
  FileSystem& fileSystem_;
  const Offset end_;
  const Bytes bytes_;
  kj::Vector<OpenFile> files_;
  kj::Vector<kj::String> paths_;
  kj::Vector<kj::String> folders_;
  kj::Maybe<kj::Own<const LogStateFile>> stateFile_;
  uint64_t stateTicket_ = 0;
  kj::Array<kj::byte> state_;
};

}  // namespace cambium
