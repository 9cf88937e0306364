#pragma once

#include <cerrno>
#include <cstring>

#include <kj/debug.h>

namespace cambium {

// Throws for a system call that failed with `error`: OVERLOADED when waiting or freeing something helps (no space, no
// descriptors), FAILED otherwise.
[[noreturn]] inline void throwSystemError(kj::StringPtr doing, kj::StringPtr path, int error) {
  bool passes = error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE;
  auto type = passes ? kj::Exception::Type::OVERLOADED : kj::Exception::Type::FAILED;
  kj::throwFatalException(
      kj::Exception(type, __FILE__, __LINE__, kj::str("cannot ", doing, " ", path, ": ", strerror(error))));
}

// Calls a system call again while signals interrupt it. Returns its result; errno says why it is negative.
template <class Call>
auto retryInterrupted(Call&& call) {
  for (;;) {
    auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace cambium
