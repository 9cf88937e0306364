#include "tools/wait_note.h"

#include "engine/base/coroutine.h"

namespace cambium::tools {

namespace {

constexpr uint32_t kAgainAfterSeconds = 10;

}  // namespace

WaitNote::WaitNote(Output& output, kj::Timer& timer, kj::Function<kj::Maybe<kj::String>()> waitsFor)
    : output_(output), timer_(timer), waitsFor_(kj::mv(waitsFor)), running_(run().eagerlyEvaluate(nullptr)) {}

kj::Promise<void> WaitNote::run() {
  for (uint32_t seconds = 0;;) {
    co_await timer_.afterDelay(1 * kj::SECONDS);
    auto text = waitsFor_();
    KJ_IF_MAYBE(what, text) {
      if (seconds++ % kAgainAfterSeconds == 0) output_.complain(kj::str("waiting for ", *what));
    } else {
      seconds = 0;
    }
  }
}

}  // namespace cambium::tools
