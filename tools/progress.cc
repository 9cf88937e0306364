#include "tools/progress.h"

#include "engine/base/coroutine.h"

namespace cambium::tools {
namespace {

constexpr kj::StringPtr kClearLine = "\r\x1b[K"_kj;

}  // namespace

Progress::Progress(Output& output, kj::Timer& timer, kj::Function<kj::String()> describe)
    : output_(output), timer_(timer), describe_(kj::mv(describe)), running_(kj::READY_NOW) {
  if (output.errorIsTerminal()) running_ = run().eagerlyEvaluate(nullptr);
}

Progress::~Progress() noexcept(false) {
  if (shown_) output_.writeError(kClearLine);
}

kj::Promise<void> Progress::run() {
  for (;;) {
    co_await timer_.afterDelay(1 * kj::SECONDS);
    output_.writeError(kj::str(kClearLine, describe_()));
    shown_ = true;
  }
}

}  // namespace cambium::tools
