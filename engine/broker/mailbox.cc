#include "engine/broker/mailbox.h"

#include "engine/base/coroutine.h"

namespace cambium {

void Mailbox::post(kj::Function<void()> message) {
  kj::Maybe<kj::Own<kj::CrossThreadPromiseFulfiller<void>>> wake;
  {
    std::lock_guard lock(mutex_);
    messages_.add(kj::mv(message));
    wake = kj::mv(wake_);
    wake_ = nullptr;
  }
  KJ_IF_MAYBE(fulfiller, wake) (*fulfiller)->fulfill();
}

kj::Promise<void> Mailbox::receive() {
  for (;;) {
    kj::Vector<kj::Function<void()>> batch;
    kj::Promise<void> woken = kj::READY_NOW;
    {
      std::lock_guard lock(mutex_);
      if (messages_.size() > 0) {
        batch = kj::mv(messages_);
        messages_ = kj::Vector<kj::Function<void()>>();
      } else {
        auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
        wake_ = kj::mv(paf.fulfiller);
        woken = kj::mv(paf.promise);
      }
    }
    for (auto& message : batch)
      message();
    co_await woken;
  }
}

}  // namespace cambium
