#pragma once

#include "backends/native/native_log.h"

namespace cambium {

// The files and folders to sync, in that order, then the state to write, the sync mark to renew, and the log to
// register. Touches nothing of the log but the state file.
class NativeLog::Job final : public SyncJob {
 public:
  Job(FileSystem& fileSystem, Offset end, Bytes bytes) : fileSystem_(fileSystem), end_(end), bytes_(bytes) {}

  void addFile(kj::Own<const SharedFile> file, kj::String path) { files_.add(OpenFile{kj::mv(file), kj::mv(path)}); }
  void addPath(kj::String path) { paths_.add(kj::mv(path)); }
  void addFolder(kj::String path) { folders_.add(kj::mv(path)); }
  void addState(kj::Array<kj::byte> contents) { state_ = kj::mv(contents); }
  // What the mark shall say when everything is synced. Its place in the order of states and marks is taken here.
  void addMark(kj::Own<const LogStateFile> file, const SegmentSummary& reached, bool durably) {
    ticket_ = file->ticket();
    stateFile_ = kj::mv(file);
    reached_ = reached;
    marksDurably_ = durably;
  }
  void addRegistration(LogHost& host, LogId id) { registration_ = Registration{host, kj::mv(id)}; }
  // Valid after run(): the engine knows of the log.
  bool registered() const { return registered_; }

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
  struct Registration {
    LogHost& host;
    LogId id;
  };
  kj::Own<const LogStateFile> stateFile_;
  uint64_t ticket_ = 0;
  kj::Maybe<kj::Array<kj::byte>> state_;
  SegmentSummary reached_;
  bool marksDurably_ = false;
  kj::Maybe<Registration> registration_;
  bool registered_ = false;
};

}  // namespace cambium
