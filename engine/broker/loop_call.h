#pragma once

#include <kj/debug.h>
#include <kj/refcount.h>

#include "engine/broker/mailbox.h"

namespace cambium {

// One event loop as others see it: where to send work and where it runs.
class LoopPort {
 public:
  LoopPort() = default;
  KJ_DISALLOW_COPY(LoopPort);

  Mailbox& mailbox() { return mailbox_; }
  // Work of other loops that runs here; only from this loop.
  kj::TaskSet& tasks() { return tasks_; }

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    void taskFailed(kj::Exception&& exception) override { KJ_LOG(ERROR, "call from another loop", exception); }
  };
  Mailbox mailbox_;
  TaskErrors taskErrors_;
  kj::TaskSet tasks_{taskErrors_};
};

// Runs `work` on the loop of `target` and brings its result to the loop of `origin`, which is the calling one; a plain
// call when both are the same. One message there, one back. Dropping the promise cancels the work there (a little
// later). What `work` carries and what it returns is plain data or owned as a whole: nothing that belongs to a loop
// crosses. `origin` and `target` outlive the call.
template <class T>
kj::Promise<T> callLoop(LoopPort& origin, LoopPort& target, kj::Function<kj::Promise<T>()> work);

// --- Implementation
// ----------------------------------------------------------------------------------------------------------

namespace loop_call_detail {

// Shared by both loops. Each half is touched only on its own loop and cleared there.
template <class T>
struct Call final : public kj::AtomicRefcounted {
  // Half of the origin: null once the caller has dropped the promise or was answered.
  kj::PromiseFulfiller<T>* caller = nullptr;
  // Half of the target: null before the work began and after it ended.
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> cancel;
  bool cancelled = false;
};

// The adapter of the caller's promise.
template <class T>
class Caller {
 public:
  Caller(kj::PromiseFulfiller<T>& fulfiller, LoopPort& origin, LoopPort& target, kj::Function<kj::Promise<T>()> work)
      : target_(target), call_(kj::atomicRefcounted<Call<T>>()) {
    call_->caller = &fulfiller;
    target.mailbox().post([&origin, &target, call = kj::atomicAddRef(*call_), work = kj::mv(work)]() mutable {
      run(origin, target, kj::mv(call), kj::mv(work));
    });
  }
  ~Caller() noexcept(false) {
    if (call_->caller == nullptr) return;
    call_->caller = nullptr;
    target_.mailbox().post([call = kj::mv(call_)]() mutable {
      call->cancelled = true;
      KJ_IF_MAYBE(cancel, call->cancel) (*cancel)->fulfill();
    });
  }
  KJ_DISALLOW_COPY(Caller);

 private:
  static void run(LoopPort& origin, LoopPort& target, kj::Own<Call<T>> call, kj::Function<kj::Promise<T>()> work) {
    if (call->cancelled) return;
    auto paf = kj::newPromiseAndFulfiller<void>();
    call->cancel = kj::mv(paf.fulfiller);
    auto answer = [&origin](kj::Own<Call<T>> call, kj::Function<void(kj::PromiseFulfiller<T>&)> give) {
      origin.mailbox().post([call = kj::mv(call), give = kj::mv(give)]() mutable {
        if (auto* caller = call->caller) {
          call->caller = nullptr;
          give(*caller);
        }
      });
    };
    auto done = kj::evalNow([&] { return work(); })
                    .then(
                        [answer, call = kj::atomicAddRef(*call)](T&& value) mutable {
                          answer(kj::mv(call), [value = kj::mv(value)](kj::PromiseFulfiller<T>& caller) mutable {
                            caller.fulfill(kj::mv(value));
                          });
                        },
                        [answer, call = kj::atomicAddRef(*call)](kj::Exception&& e) mutable {
                          answer(kj::mv(call), [e = kj::mv(e)](kj::PromiseFulfiller<T>& caller) mutable {
                            caller.reject(kj::mv(e));
                          });
                        })
                    .attach(kj::mv(work));
    target.tasks().add(done.exclusiveJoin(kj::mv(paf.promise)).attach(kj::defer([call = kj::mv(call)]() mutable {
      call->cancel = nullptr;
    })));
  }

  LoopPort& target_;
  kj::Own<Call<T>> call_;
};

}  // namespace loop_call_detail

template <class T>
kj::Promise<T> callLoop(LoopPort& origin, LoopPort& target, kj::Function<kj::Promise<T>()> work) {
  if (&origin == &target) {
    auto promise = kj::evalNow([&] { return work(); });
    return promise.attach(kj::mv(work));
  }
  return kj::newAdaptedPromise<T, loop_call_detail::Caller<T>>(origin, target, kj::mv(work));
}

}  // namespace cambium
