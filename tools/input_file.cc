#include "tools/input_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium::tools {
namespace {

[[noreturn]] void fail(kj::StringPtr what, kj::StringPtr name, int error) {
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                        kj::str("cannot ", what, ' ', name, ": ", strerror(error))));
}

// Whether a read now would return at once.
bool isReadable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return poll(&watched, 1, 0) == 1;
}

}  // namespace

InputFile::InputFile(kj::UnixEventPort& eventPort, kj::StringPtr path)
    : name_(path == "-" ? kj::str("standard input") : kj::str(path)) {
  if (path == "-") {
    fd_ = STDIN_FILENO;
  } else {
    fd_ = open(path.cStr(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) fail("open", name_, errno);
    owned_ = kj::AutoCloseFd(fd_);
  }
  struct stat info{};
  if (fstat(fd_, &info) != 0) fail("read", name_, errno);
  if (S_ISDIR(info.st_mode)) fail("read", name_, EISDIR);
  if (S_ISREG(info.st_mode)) size_ = static_cast<uint64_t>(info.st_size);
  // The rest, such as /dev/null, cannot be watched, and need not be.
  if (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || isatty(fd_) == 1) {
    observer_ = kj::heap<kj::UnixEventPort::FdObserver>(eventPort, fd_, kj::UnixEventPort::FdObserver::OBSERVE_READ);
  }
}

kj::Promise<size_t> InputFile::read(kj::ArrayPtr<kj::byte> into) {
  for (;;) {
    KJ_IF_MAYBE(observer, observer_) {
      // An event between poll() and here is not lost: the loop has not run since.
      while (!isReadable(fd_))
        co_await (*observer)->whenBecomesReadable();
    }
    ssize_t n = ::read(fd_, into.begin(), into.size());
    if (n >= 0) co_return static_cast<size_t>(n);
    // EAGAIN: somebody who shares the descriptor was quicker.
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) fail("read", name_, errno);
  }
}

}  // namespace cambium::tools
