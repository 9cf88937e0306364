#include "tools/progress.h"

#include "engine/base/coroutine.h"

namespace cambium::tools {

Progress::Progress(Output& output, kj::Timer& timer, bool wanted, kj::Function<kj::String()> describe)
    : output_(output), timer_(timer), describe_(kj::mv(describe)), running_(kj::READY_NOW) {
  if (wanted && output.errorIsTerminal()) running_ = run().eagerlyEvaluate(nullptr);
}

Progress::~Progress() noexcept(false) {
  output_.clearStatus();
}

kj::Promise<void> Progress::run() {
  for (;;) {
    co_await timer_.afterDelay(1 * kj::SECONDS);
    output_.showStatus(describe_());
  }
}

}  // namespace cambium::tools
