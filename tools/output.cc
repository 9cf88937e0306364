#include "tools/output.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

#include <kj/debug.h>

namespace cambium::tools {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;

}  // namespace

Output::Output(int outFd, int errorFd) : outFd_(outFd), errorFd_(errorFd), errorIsTerminal_(isatty(errorFd) == 1) {}

void Output::write(ByteView bytes) {
  if (closed_) return;
  gathered_.addAll(bytes);
  if (gathered_.size() >= kBlockBytes) flush();
}

void Output::flush() {
  if (!closed_) writeAll(outFd_, gathered_);
  gathered_.clear();
}

bool Output::closed() {
  if (closed_) return true;
  // Asks for nothing: POLLERR comes unasked when the other end of a pipe is closed.
  pollfd watched{outFd_, 0, 0};
  if (poll(&watched, 1, 0) == 1 && (watched.revents & POLLERR) != 0) closed_ = true;
  return closed_;
}

void Output::complain(kj::StringPtr message) {
  flush();
  auto line = kj::str("cambium: ", message);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  writeError(kj::str(line, '\n'));
}

void Output::writeError(kj::StringPtr text) {
  writeAll(errorFd_, text.asBytes());
}

void Output::writeAll(int fd, ByteView bytes) {
  while (bytes.size() > 0) {
    ssize_t n = ::write(fd, bytes.begin(), bytes.size());
    if (n >= 0) {
      bytes = bytes.slice(static_cast<size_t>(n), bytes.size());
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd watched{fd, POLLOUT, 0};
      poll(&watched, 1, -1);
    } else if (fd == errorFd_) {
      return;  // nobody left to tell
    } else if (errno == EPIPE) {
      closed_ = true;
      return;
    } else if (errno != EINTR) {
      KJ_FAIL_SYSCALL("write(standard output)", errno);
    }
  }
}

}  // namespace cambium::tools
