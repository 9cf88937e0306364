#pragma once

#include <kj/async.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "tools/output.h"

namespace cambium::tools {

// Says on standard error what a command waits for: when a wait has lasted for a second, and again after every ten. For
// as long as the object lives.
class WaitNote {
 public:
  // `waitsFor` is asked each second, from the loop: what is waited for, and how long at most; null while nothing is.
  WaitNote(Output& output, kj::Timer& timer, kj::Function<kj::Maybe<kj::String>()> waitsFor);
  KJ_DISALLOW_COPY(WaitNote);

 private:
  kj::Promise<void> run();

  Output& output_;
  kj::Timer& timer_;
  kj::Function<kj::Maybe<kj::String>()> waitsFor_;
  kj::Promise<void> running_;
};

}  // namespace cambium::tools
