#pragma once

#include <kj/string.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium::tools {

// Standard output in big blocks, and standard error for complaints. Writes block; a non-blocking descriptor (a terminal
// that somebody switched) is waited for. When the reader of standard output has gone (`cambium consume words | head`),
// everything further is dropped quietly and closed() says so. Other write errors throw.
class Output {
 public:
  // Does not close the descriptors. What was not flushed is lost with the object.
  Output(int outFd, int errorFd);
  KJ_DISALLOW_COPY(Output);

  // Gathered; written when 64 KiB have come together.
  void write(ByteView bytes);
  void write(kj::StringPtr text) { write(text.asBytes()); }
  void flush();

  // True when nobody reads standard output any more; also asks the system, so that it works without writing.
  bool closed();

  // "cambium: <message>" on standard error, one line: line ends inside become spaces. Flushes standard output first.
  void complain(kj::StringPtr message);
  // To standard error at once, as it is.
  void writeError(kj::StringPtr text);

  // One line on a terminal that is written anew each time; everything else that is printed takes it away first.
  void showStatus(kj::StringPtr text);
  void clearStatus();

  bool errorIsTerminal() const { return errorIsTerminal_; }
  bool outIsTerminal() const { return outIsTerminal_; }

 private:
  void writeAll(int fd, ByteView bytes);

  const int outFd_;
  const int errorFd_;
  const bool outIsTerminal_;
  const bool errorIsTerminal_;
  kj::Vector<kj::byte> gathered_;
  bool closed_ = false;
  bool statusShown_ = false;
};

}  // namespace cambium::tools
