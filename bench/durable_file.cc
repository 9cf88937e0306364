#include "bench/durable_file.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>

#include "bench/fresh_memory.h"

namespace cambium::bench {

namespace {

constexpr size_t kPrepareBytes = size_t{1} << 20;

uint64_t blocksDown(uint64_t position) {
  return position / DurableFile::kBlockBytes * DurableFile::kBlockBytes;
}

uint64_t blocksUp(uint64_t position) {
  return blocksDown(position + DurableFile::kBlockBytes - 1);
}

}  // namespace

kj::Maybe<DurableFile::Way> DurableFile::wayNamed(kj::StringPtr name) {
  using Blocks = Way::Blocks;
  if (name == "growing") return Way{};
  if (name == "preallocated") return Way{.blocks = Blocks::kAllocated};
  if (name == "zeroed-ahead") return Way{.blocks = Blocks::kZeroed};
  if (name == "recycled") return Way{.blocks = Blocks::kWritten};
  if (name == "recycled-forgotten") return Way{.blocks = Blocks::kWritten, .isForgotten = true};
  if (name == "direct-growing") return Way{.isDirect = true};
  if (name == "direct") return Way{.blocks = Blocks::kWritten, .isDirect = true};
  return nullptr;
}

DurableFile::DurableFile(kj::String path, Way way, uint64_t bytesMax)
    : path_(kj::mv(path)), way_(way), bytesMax_(blocksUp(bytesMax)) {
  if (way_.isDirect) {
    tail_ = newPages(kTailBytes);
    memset(tail_.begin(), 0, tail_.size());
  }
  if (way_.blocks == Way::Blocks::kWritten) writeOld();
  if (way_.blocks == Way::Blocks::kZeroed) {
    zeros_ = kj::heapArray<kj::byte>(kAheadBytes);
    memset(zeros_.begin(), 0, zeros_.size());
  }
}

DurableFile::~DurableFile() noexcept(false) {
  unlink(path_.cStr());
}

void DurableFile::openNew(int flags) {
  int fd;
  KJ_SYSCALL(fd = open(path_.cStr(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0644), path_);
  file_ = kj::AutoCloseFd(fd);
}

void DurableFile::writeOld() {
  openNew(0);
  auto old = newPages(kPrepareBytes);
  memset(old.begin(), 0x5a, old.size());
  for (uint64_t position = 0; position < bytesMax_; position += old.size()) {
    put(position, old.slice(0, kj::min(old.size(), bytesMax_ - position)));
  }
  KJ_SYSCALL(fsync(file_), path_);
  if (!way_.isForgotten && !way_.isDirect) return;
  posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED);
  int fd;
  KJ_SYSCALL(fd = open(path_.cStr(), O_RDWR | O_CLOEXEC | (way_.isDirect ? O_DIRECT : 0)), path_);
  file_ = kj::AutoCloseFd(fd);
}

void DurableFile::begin() {
  size_ = zeroedTo_ = 0;
  switch (way_.blocks) {
    case Way::Blocks::kNone:
    case Way::Blocks::kZeroed:
      openNew(way_.isDirect ? O_DIRECT : 0);
      break;
    case Way::Blocks::kAllocated:
      openNew(0);
      KJ_SYSCALL(fallocate(file_, 0, 0, static_cast<off_t>(bytesMax_)), path_);
      break;
    case Way::Blocks::kWritten:
      break;
  }
  // As a roll does: the name and, where there is one, the size.
  KJ_SYSCALL(fsync(file_), path_);
}

void DurableFile::finish() {
  if (way_.blocks == Way::Blocks::kWritten) {
    if (way_.isForgotten) posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED);
    return;
  }
  file_ = nullptr;
  unlink(path_.cStr());
}

void DurableFile::append(ByteView piece) {
  KJ_REQUIRE(size_ + piece.size() <= bytesMax_, "past the end", path_);
  if (way_.blocks == Way::Blocks::kZeroed) zeroAhead(piece.size());
  if (way_.isDirect) {
    appendDirect(piece);
  } else {
    put(size_, piece);
  }
  size_ += piece.size();
  KJ_SYSCALL(fdatasync(file_), path_);
}

void DurableFile::zeroAhead(size_t bytes) {
  // A large piece gains less than the zeros cost.
  if (bytes > kAheadBytes / 2 || size_ + bytes <= zeroedTo_) return;
  zeroedTo_ = kj::max(zeroedTo_, size_);
  put(zeroedTo_, zeros_);
  zeroedTo_ += zeros_.size();
}

void DurableFile::appendDirect(ByteView piece) {
  KJ_REQUIRE(piece.size() + kBlockBytes <= tail_.size(), "a piece larger than the tail", path_);
  // From the begin of the block that the last piece filled in part; the tail has what stands there.
  uint64_t from = blocksDown(size_);
  uint64_t end = size_ + piece.size();
  uint64_t to = blocksUp(end);
  auto copy = [&](uint64_t position, ByteView bytes) {
    memcpy(tail_.begin() + position % tail_.size(), bytes.begin(), bytes.size());
  };
  auto untilWrap = [&](uint64_t position) { return tail_.size() - position % tail_.size(); };
  size_t first = kj::min(piece.size(), untilWrap(size_));
  copy(size_, piece.slice(0, first));
  copy(size_ + first, piece.slice(first, piece.size()));
  memset(tail_.begin() + (end - 1) % tail_.size() + 1, 0, to - end);
  while (from < to) {
    size_t bytes = kj::min(to - from, untilWrap(from));
    put(from, tail_.slice(from % tail_.size(), from % tail_.size() + bytes));
    from += bytes;
  }
}

void DurableFile::put(uint64_t position, ByteView data) {
  ssize_t written;
  KJ_SYSCALL(written = pwrite(file_, data.begin(), data.size(), static_cast<off_t>(position)), path_);
  KJ_REQUIRE(static_cast<size_t>(written) == data.size(), "the device is full", path_);
}

}  // namespace cambium::bench
