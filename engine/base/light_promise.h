#pragma once

#include <kj/async.h>
#include <kj/debug.h>
#include <kj/memory.h>

namespace cambium {

namespace light_promise_detail {
class Node;
}

// Resolves a promise of newLightPromise(). When it goes without having done so, the promise fails. One thread.
class LightFulfiller {
 public:
  LightFulfiller() = default;
  LightFulfiller(LightFulfiller&& other) noexcept { takeOver(other); }
  LightFulfiller& operator=(LightFulfiller&& other) {
    if (this == &other) return *this;
    abandon();
    takeOver(other);
    return *this;
  }
  ~LightFulfiller() noexcept(false) { abandon(); }
  KJ_DISALLOW_COPY(LightFulfiller);

  // What comes first counts. Nothing happens when the promise was dropped.
  inline void fulfill();
  inline void reject(kj::Exception&& e);
  // Somebody still has the promise, and it is neither fulfilled nor rejected.
  bool isWaiting() const { return node_ != nullptr; }

 private:
  friend class light_promise_detail::Node;

  inline void takeOver(LightFulfiller& other);
  inline void abandon();

  light_promise_detail::Node* node_ = nullptr;
};

namespace light_promise_detail {

class Node final : public kj::_::PromiseNode {
 public:
  explicit Node(LightFulfiller& fulfiller) : fulfiller_(&fulfiller) { fulfiller.node_ = this; }
  ~Node() noexcept(false) { detach(); }
  KJ_DISALLOW_COPY(Node);

  void onReady(kj::_::Event* event) noexcept override { ready_.init(event); }
  void get(kj::_::ExceptionOrValue& output) noexcept override {
    if (exception_.get() == nullptr) {
      output.as<kj::_::Void>().value = kj::_::Void();
    } else {
      output.addException(kj::mv(*exception_));
    }
  }
  void tracePromise(kj::_::TraceBuilder&, bool) override {}

  void settle() {
    detach();
    ready_.arm();
  }
  void fail(kj::Exception&& e) {
    exception_ = kj::heap<kj::Exception>(kj::mv(e));
    settle();
  }
  void moveTo(LightFulfiller& fulfiller) { fulfiller_ = &fulfiller; }

 private:
  void detach() {
    if (fulfiller_ != nullptr) fulfiller_->node_ = nullptr;
    fulfiller_ = nullptr;
  }

  LightFulfiller* fulfiller_;
  OnReadyEvent ready_;
  kj::Own<kj::Exception> exception_;
};

}  // namespace light_promise_detail

void LightFulfiller::fulfill() {
  if (node_ != nullptr) node_->settle();
}

void LightFulfiller::reject(kj::Exception&& e) {
  if (node_ != nullptr) node_->fail(kj::mv(e));
}

void LightFulfiller::takeOver(LightFulfiller& other) {
  node_ = other.node_;
  other.node_ = nullptr;
  if (node_ != nullptr) node_->moveTo(*this);
}

void LightFulfiller::abandon() {
  if (node_ != nullptr) node_->fail(KJ_EXCEPTION(FAILED, "whoever was to fulfill a promise has gone"));
}

struct LightPromise {
  kj::Promise<void> promise;
  LightFulfiller fulfiller;
};

// As kj::newPromiseAndFulfiller<void>(), in 64 bytes of memory instead of 480, because it takes room for an exception
// only when there is one: for what thousands of connections wait for. Like coroutine.h it derives from kj's promise
// nodes, which the installed headers declare.
inline LightPromise newLightPromise() {
  LightFulfiller fulfiller;
  auto node = kj::heap<light_promise_detail::Node>(fulfiller);
  return {kj::_::PromiseNode::to<kj::Promise<void>>(kj::Own<kj::_::PromiseNode>(kj::mv(node))), kj::mv(fulfiller)};
}

}  // namespace cambium
