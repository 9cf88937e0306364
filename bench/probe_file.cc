#include "bench/probe_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>

namespace cambium::bench {

ProbeFile::ProbeFile(kj::String path) : path_(kj::mv(path)) {
  int fd;
  KJ_SYSCALL(fd = open(path_.cStr(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644), path_);
  file_ = kj::AutoCloseFd(fd);
}

ProbeFile::~ProbeFile() noexcept(false) {
  unlink(path_.cStr());
}

void ProbeFile::append(ByteView data) {
  ssize_t written;
  KJ_SYSCALL(written = pwrite(file_, data.begin(), data.size(), static_cast<off_t>(size_)), path_);
  KJ_REQUIRE(static_cast<size_t>(written) == data.size(), "the device is full", path_);
  size_ += data.size();
}

void ProbeFile::read(uint64_t position, kj::ArrayPtr<kj::byte> buffer) {
  ssize_t got;
  KJ_SYSCALL(got = pread(file_, buffer.begin(), buffer.size(), static_cast<off_t>(position)), path_);
  KJ_REQUIRE(static_cast<size_t>(got) == buffer.size(), "the file is shorter than expected", path_, position);
}

void ProbeFile::truncate(uint64_t size) {
  KJ_SYSCALL(ftruncate(file_, static_cast<off_t>(size)), path_);
  size_ = size;
}

void ProbeFile::sync() {
  KJ_SYSCALL(fdatasync(file_), path_);
}

}  // namespace cambium::bench
