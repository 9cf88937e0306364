#pragma once

#include <atomic>
#include <mutex>

#include <kj/function.h>

#include "engine/base/error.h"
#include "engine/storage/file_system.h"

namespace cambium {

// The device of the data directory as the broker last saw it.
struct DiskStatus {
  Bytes free, total;
  Bytes reserve;      // clients leave so much alone; 0: there is no reserve
  bool full = false;  // clients may add nothing
  // Why nothing at all can be written, and what to do; null when it can.
  kj::Maybe<kj::String> whyReadOnly = nullptr;
};

// Keeps a part of the device for what must go on when it is full: deletions, retention, metadata, committed offsets,
// the next start. What clients append counts against what is free beyond it:
//
//     free 900 MiB, reserve 64 MiB                  append 1 MiB -> taken
//     free  64 MiB, reserve 64 MiB                  append 1 MiB -> refused; so is everything until there is room again
//     free  80 MiB, reserve 64 MiB, 20 MiB owed     the same: engines still have to write what they hold in memory
//
// A small file `cambium.reserve` takes room as well and is given up when somebody else has filled the device to the
// brim, so that the broker starts and can delete. All methods on any thread.
class DiskReserve {
 public:
  // The reserve of a device that has `total` bytes, when none was asked for: the larger of 64 MiB and 1 %.
  static Bytes defaultReserve(Bytes total);

  // `reserve` null: the default one. `owed` says how much engines will still write for what they have taken; any
  // thread, cheap. Looks at the device, and gives up the file at once when it must: before engines are opened.
  DiskReserve(FileSystem& files, kj::Maybe<Bytes> reserve, kj::Function<Bytes()> owed);
  KJ_DISALLOW_COPY(DiskReserve);

  // Another reserve from now on; null: the default one.
  void setReserve(kj::Maybe<Bytes> reserve);

  // Whether a client may add `bytes`, which are then counted; the refusal (kStorageError) says which folder, how much
  // is free and what to do. Looks at the device when a good part of what was free may be used up.
  Result<void> admit(uint64_t bytes);
  // Looks at the device, and returns whether anything can be written there: kStorageError with the reason when its file
  // system is read-only or the data directory is gone. For changes that a full device does not keep from being made.
  Result<void> requireWritable();
  // Looks at the device: to be called every half second or so, and when something was deleted.
  void look();
  DiskStatus status() const;
  // Null while clients may append; otherwise the state, "disk full" or "read-only", and what the refusal says.
  kj::Maybe<kj::String> whyRefusing() const;

  // Gives up the file when hardly anything is free: before something is written that frees space.
  void makeRoom();
  // The file is missing and there is room for it.
  bool wantsFile() const;
  // Makes it; blocks for some milliseconds.
  void keepFile();

 private:
  void chooseReserve(kj::Maybe<Bytes> reserve, Bytes total);
  void lookLocked();
  void setReadOnly(kj::Maybe<kj::String> reason);  // with mutex_ held
  void setFull(bool full);                         // with mutex_ held
  kj::String complaint() const;                    // with mutex_ held

  FileSystem& files_;
  kj::Function<Bytes()> owed_;
  mutable std::mutex mutex_;  // of the plain fields, and of looking
  DiskStatus status_;
  int64_t resumeAt_ = 0;  // room that ends the full state
  uint64_t owedBytes_ = 0;
  uint64_t fileBytes_ = 0;    // 0: no file
  bool fileIsThere_ = false;  // whole
  // What clients may still add, as far as known.
  std::atomic<int64_t> room_{0};
  std::atomic<uint64_t> sinceLook_{0};
  std::atomic<bool> full_{false};
  std::atomic<bool> reserves_{true};  // false: there is no reserve
  std::atomic<bool> readOnly_{false};
};

}  // namespace cambium
