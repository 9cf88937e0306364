#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "tools/output.h"

namespace cambium::tools {

// One line on standard error that tells how far things are, written anew every second, and taken away at the end. Does
// nothing where standard error is no terminal, so that logs stay clean.
class Progress {
 public:
  // `describe` is called each second, from the loop, until the object is gone. It must not throw.
  Progress(Output& output, kj::Timer& timer, kj::Function<kj::String()> describe);
  ~Progress() noexcept(false);
  KJ_DISALLOW_COPY(Progress);

 private:
  kj::Promise<void> run();

  Output& output_;
  kj::Timer& timer_;
  kj::Function<kj::String()> describe_;
  bool shown_ = false;
  kj::Promise<void> running_;
};

}  // namespace cambium::tools
