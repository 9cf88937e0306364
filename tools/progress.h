#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "tools/output.h"

namespace cambium::tools {

// Tells each second how far things are, in the status line (see Output), and takes it away at the end. Does nothing
// where standard error is no terminal, so that logs stay clean.
class Progress {
 public:
  // `describe` is called each second, from the loop, until the object is gone. Without `wanted` nothing is shown: for
  // those who use the terminal for something else.
  Progress(Output& output, kj::Timer& timer, bool wanted, kj::Function<kj::String()> describe);
  ~Progress() noexcept(false);
  KJ_DISALLOW_COPY(Progress);

 private:
  kj::Promise<void> run();

  Output& output_;
  kj::Timer& timer_;
  kj::Function<kj::String()> describe_;
  kj::Promise<void> running_;
};

}  // namespace cambium::tools
