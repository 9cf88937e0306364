#pragma once

#include <kj/async-unix.h>
#include <kj/filesystem.h>
#include <kj/io.h>

#include "engine/base/quantity.h"

namespace cambium::tools {

// A file, pipe or terminal to read from, without stalling the loop: before each read of a pipe, socket or terminal it
// waits until there is something. The descriptor stays in the mode it is in, since others may share it (a non-blocking
// standard input would be non-blocking for the shell as well). Regular files are read at once.
class InputFile {
 public:
  // "-" is standard input. Throws when the file cannot be opened; the exception names it.
  InputFile(kj::UnixEventPort& eventPort, kj::StringPtr path);
  KJ_DISALLOW_COPY(InputFile);

  // Reads 1 to into.size() bytes; 0 at the end. Throws on a read error.
  kj::Promise<size_t> read(kj::ArrayPtr<kj::byte> into);
  // "standard input", or the path.
  kj::StringPtr name() const { return name_; }
  // Bytes of a regular file; null for everything else.
  kj::Maybe<uint64_t> size() const { return size_; }

 private:
  kj::String name_;
  kj::AutoCloseFd owned_;
  int fd_;
  kj::Maybe<uint64_t> size_;
  kj::Maybe<kj::Own<kj::UnixEventPort::FdObserver>> observer_;  // null: reads never wait long
};

}  // namespace cambium::tools
