#include "engine/broker/disk_reserve.h"

#include <kj/debug.h>

namespace cambium {

namespace {

constexpr kj::StringPtr kFile = "cambium.reserve"_kj;
constexpr uint64_t kFileBytesMax = uint64_t{4} << 20;

// So much is appended at most before the device is looked at again: others write to it as well, and an engine may need
// more for a batch than the batch has.
constexpr uint64_t kLookBytes = uint64_t{8} << 20;

// An append that counts for more is refused by itself where a smaller one still fits.
constexpr int64_t kUsualBytes = int64_t{16} << 20;

// Room for this much ends the full state, so that it does not come and go with every batch.
int64_t resumeBytes(Bytes reserve) {
  return static_cast<int64_t>(kj::max(uint64_t{1}, kj::min(reserve.value() / 8, uint64_t{8} << 20)));
}

kj::String mib(Bytes bytes) {
  return bytes.value() < (uint64_t{10} << 20) ? kj::str(bytes.value() >> 10, " KiB")
                                              : kj::str(bytes.value() >> 20, " MiB");
}

}  // namespace

Bytes DiskReserve::defaultReserve(Bytes total) {
  return kj::max(mebibytes(64), Bytes(total.value() / 100));
}

DiskReserve::DiskReserve(FileSystem& files, kj::Maybe<Bytes> reserve, kj::Function<Bytes()> owed)
    : files_(files), owed_(kj::mv(owed)) {
  auto space = files_.space();
  chooseReserve(reserve, space.total);
  fileBytes_ = kj::min(status_.reserve.value() / 4, kFileBytesMax);
  if (files_.exists(kFile)) {
    fileIsThere_ = true;
    if (fileBytes_ == 0 || space.free.value() < fileBytes_) {
      files_.removeFile(kFile);
      fileIsThere_ = false;
      if (fileBytes_ > 0) {
        KJ_LOG(WARNING, "the device is all but full; the reserve file was given up so that the broker can start",
               files_.describe(kFile), space.free);
      }
    }
  }
  look();
}

void DiskReserve::chooseReserve(kj::Maybe<Bytes> reserve, Bytes total) {
  status_.reserve = reserve.orDefault(defaultReserve(total));
  reserves_ = status_.reserve > Bytes(0);
  resumeAt_ = resumeBytes(status_.reserve);
}

void DiskReserve::setReserve(kj::Maybe<Bytes> reserve) {
  std::lock_guard lock(mutex_);
  chooseReserve(reserve, files_.space().total);
  // The file stays as large as it is: it is made anew at the next start.
  if (!reserves_) setFull(false);
  lookLocked();
}

Result<void> DiskReserve::admit(uint64_t bytes) {
  if (readOnly_.load(std::memory_order_relaxed)) return requireWritable();
  if (!reserves_.load(std::memory_order_relaxed)) return Result<void>();
  // Twice: an engine may write it to a log now, and from memory later.
  auto size = static_cast<int64_t>(2 * bytes);
  if (!full_.load(std::memory_order_relaxed)) {
    auto room = room_.fetch_sub(size, std::memory_order_relaxed) - size;
    auto since = sinceLook_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (room >= 0 && since < kLookBytes) return Result<void>();
    std::lock_guard lock(mutex_);
    lookLocked();
    auto left = room_.load(std::memory_order_relaxed);
    if (!full_.load(std::memory_order_relaxed) && left >= size) {
      room_.fetch_sub(size, std::memory_order_relaxed);
      sinceLook_.fetch_add(bytes, std::memory_order_relaxed);
      return Result<void>();
    }
    // Full until that would fit, so that refusals do not come and go; but who wants more than is usual keeps nobody
    // out.
    if (left < resumeAt_ || size <= kUsualBytes) {
      resumeAt_ = kj::max(resumeBytes(status_.reserve), size);
      setFull(true);
    }
    return makeError(ErrorCode::kStorageError, complaint());
  }
  // Left by a look: refusing is cheap.
  std::lock_guard lock(mutex_);
  return makeError(ErrorCode::kStorageError, complaint());
}

Result<void> DiskReserve::requireWritable() {
  std::lock_guard lock(mutex_);
  lookLocked();
  KJ_IF_MAYBE(reason, status_.whyReadOnly) return makeError(ErrorCode::kStorageError, *reason);
  return Result<void>();
}

void DiskReserve::look() {
  std::lock_guard lock(mutex_);
  lookLocked();
}

void DiskReserve::lookLocked() {
  auto space = files_.space();
  setReadOnly(kj::mv(space.whyReadOnly));
  // The space is not known when the directory is gone.
  if (space.total == Bytes(0)) return;
  status_.free = space.free;
  status_.total = space.total;
  if (status_.reserve == Bytes(0)) return;
  owedBytes_ = owed_().value();
  auto room = static_cast<int64_t>(space.free.value()) - static_cast<int64_t>(status_.reserve.value() + owedBytes_);
  sinceLook_ = 0;
  room_ = room;
  setFull(room < (status_.full ? resumeAt_ : 1));
}

void DiskReserve::setReadOnly(kj::Maybe<kj::String> reason) {
  bool was = status_.whyReadOnly != nullptr;
  bool is = reason != nullptr;
  KJ_IF_MAYBE(text, reason) {
    if (!was) KJ_LOG(ERROR, "nothing can be written: appends and changes of topics are refused", *text);
  } else if (was) {
    KJ_LOG(WARNING, "the data directory can be written again: clients may append", files_.describe(""));
  }
  status_.whyReadOnly = kj::mv(reason);
  readOnly_ = is;
}

void DiskReserve::setFull(bool full) {
  bool wasFull = status_.full;
  full_ = status_.full = full;
  if (full && !wasFull) KJ_LOG(WARNING, "disk full", complaint());
  if (!full && wasFull) KJ_LOG(WARNING, "the device has room again: clients may append", status_.free);
  if (!full) resumeAt_ = resumeBytes(status_.reserve);
}

DiskStatus DiskReserve::status() const {
  std::lock_guard lock(mutex_);
  auto copy = [](const kj::String& text) { return kj::str(text); };
  return {status_.free, status_.total, status_.reserve, status_.full, status_.whyReadOnly.map(copy)};
}

kj::Maybe<kj::String> DiskReserve::whyRefusing() const {
  std::lock_guard lock(mutex_);
  KJ_IF_MAYBE(reason, status_.whyReadOnly) return kj::str("read-only: ", *reason);
  if (!status_.full) return nullptr;
  return kj::str("disk full: ", complaint());
}

kj::String DiskReserve::complaint() const {
  auto pending =
      owedBytes_ > 0 ? kj::str(", of which ", mib(Bytes(owedBytes_)), " are needed for what is in memory") : kj::str();
  return kj::str(
      "the device of ", files_.describe(""), " has ", mib(status_.free), " free", pending, ", and a reserve of ",
      mib(status_.reserve),
      " (--disk_reserve_bytes) is kept: nothing is appended and no topic is made until there is room. Delete "
      "records or topics (`cambium records delete`, `cambium topic delete`), shorten retention.ms or "
      "retention.bytes, or make the device larger; the broker then goes on by itself");
}

void DiskReserve::makeRoom() {
  std::lock_guard lock(mutex_);
  if (!fileIsThere_ || status_.whyReadOnly != nullptr || files_.space().free.value() >= fileBytes_) return;
  files_.removeFile(kFile);
  fileIsThere_ = false;
  lookLocked();
}

bool DiskReserve::wantsFile() const {
  std::lock_guard lock(mutex_);
  if (status_.whyReadOnly != nullptr) return false;
  return fileBytes_ > 0 && !fileIsThere_ && room_.load(std::memory_order_relaxed) > static_cast<int64_t>(fileBytes_);
}

void DiskReserve::keepFile() {
  auto piece = kj::heapArray<kj::byte>(kj::min(fileBytes_, uint64_t{1} << 20));
  memset(piece.begin(), 0, piece.size());
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                auto file = files_.open(kFile, FileSystem::Mode::kCreate);
                for (uint64_t at = 0; at < fileBytes_; at += piece.size())
                  file->write(at, piece.slice(0, kj::min(piece.size(), fileBytes_ - at)));
              })) {
    files_.removeFile(kFile);
    if (exception->getType() != kj::Exception::Type::OVERLOADED) kj::throwFatalException(kj::mv(*exception));
    return;
  }
  std::lock_guard lock(mutex_);
  fileIsThere_ = true;
}

}  // namespace cambium
