#include "engine/broker/mailbox.h"

#include "engine/base/coroutine.h"

namespace cambium {

void Mailbox::post(kj::Function<void()> message) {
  kj::Maybe<kj::Own<kj::CrossThreadPromiseFulfiller<void>>> wake;
  {
    auto state = state_.lockExclusive();
    state->messages.add(kj::mv(message));
    wake = kj::mv(state->wake);
    state->wake = nullptr;
  }
  KJ_IF_MAYBE(fulfiller, wake) (*fulfiller)->fulfill();
}

kj::Promise<void> Mailbox::receive() {
  for (;;) {
    kj::Vector<kj::Function<void()>> batch;
    kj::Promise<void> woken = kj::READY_NOW;
    {
      auto state = state_.lockExclusive();
      if (state->messages.size() > 0) {
        batch = kj::mv(state->messages);
        state->messages = kj::Vector<kj::Function<void()>>();
      } else {
        auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
        state->wake = kj::mv(paf.fulfiller);
        woken = kj::mv(paf.promise);
      }
    }
    for (auto& message : batch) message();
    co_await woken;
  }
}

}  // namespace cambium
