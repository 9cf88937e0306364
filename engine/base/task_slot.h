#pragma once

#include <kj/async.h>
#include <kj/function.h>

namespace cambium {

// One piece of background work at a time, which runs until it is done or dropped. Unlike a promise that is eagerly
// evaluated it keeps no memory for a result, and lets the work go as soon as it is done. It belongs to the thread that
// made it, and is declared last in the object that its work uses. Like coroutine.h it derives from kj's promise nodes,
// which the installed headers declare.
class TaskSlot final : private kj::_::Event {
 public:
  // Is told that the work is done, with its failure when it has failed; may start the next one. It must not throw, and
  // must not destroy the slot.
  using Done = kj::Function<void(kj::Maybe<kj::Exception> failure)>;

  explicit TaskSlot(Done done) : done_(kj::mv(done)) {}
  KJ_DISALLOW_COPY(TaskSlot);

  // Drops what is under way.
  void start(kj::Promise<void> work) {
    drop();
    node_ = kj::_::PromiseNode::from(kj::mv(work));
    node_->setSelfPointer(&node_);
    node_->onReady(this);
  }
  void drop() {
    disarm();
    node_ = nullptr;
  }

 private:
  kj::Maybe<kj::Own<kj::_::Event>> fire() override {
    kj::_::ExceptionOr<kj::_::Void> result;
    node_->get(result);
    node_ = nullptr;
    done_(kj::mv(result.exception));
    return nullptr;
  }
  void traceEvent(kj::_::TraceBuilder& builder) override {
    if (node_.get() != nullptr) node_->tracePromise(builder, true);
  }

  Done done_;
  kj::Own<kj::_::PromiseNode> node_;  // last: the work uses the rest
};

}  // namespace cambium
