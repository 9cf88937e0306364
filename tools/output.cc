#include "tools/output.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <kj/exception.h>

namespace cambium::tools {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;
constexpr kj::StringPtr kClearLine = "\r\x1b[K"_kj;

}  // namespace

Output::Output(int outFd, int errorFd)
    : outFd_(outFd), errorFd_(errorFd), outIsTerminal_(isatty(outFd) == 1), errorIsTerminal_(isatty(errorFd) == 1) {}

void Output::write(ByteView bytes) {
  if (closed_) return;
  gathered_.addAll(bytes);
  if (gathered_.size() >= kBlockBytes) flush();
}

void Output::flush() {
  if (!closed_ && !gathered_.empty()) {
    if (outIsTerminal_) clearStatus();
    writeAll(outFd_, gathered_);
  }
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
  clearStatus();
  writeAll(errorFd_, text.asBytes());
}

void Output::showStatus(kj::StringPtr text) {
  writeAll(errorFd_, kj::str(kClearLine, text).asBytes());
  statusShown_ = true;
}

void Output::clearStatus() {
  if (!statusShown_) return;
  statusShown_ = false;
  writeAll(errorFd_, kClearLine.asBytes());
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
      closed_ = true;  // the complaint about it must not fail as well
      kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                            kj::str("cannot write standard output: ", strerror(errno))));
    }
  }
}

}  // namespace cambium::tools
