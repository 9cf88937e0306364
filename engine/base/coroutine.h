#pragma once

// C++20 coroutines that return kj::Promise<T>, for kj before 0.10, which has none of its own:
//
//     kj::Promise<size_t> copy(Source& from, Sink& to) {
//       auto data = co_await from.read();
//       co_await to.write(kj::mv(data));
//       co_return data.size();
//     }
//
// Rules: the coroutine starts at once and runs to its first suspension inside the call. Parameters that are used after
// a suspension are taken by value. Dropping the promise destroys the frame where it is suspended. A coroutine must not
// destroy its own promise (it aborts). A lambda coroutine's captures die with the lambda: pass state as parameters.
// Starting is recursive: long chains are loops, not recursion.
//
// A frame that waits is small, because thousands of connections wait in several of them: what is awaited gives its
// result only when the coroutine goes on, on the stack, and room for an exception is taken when there is one. (A
// kj::Exception has 360 bytes.)
//
// It derives from kj's promise nodes, whose classes the installed headers declare; where kj brings coroutines (0.10 and
// later) this file is empty.

#include <kj/async.h>
#include <kj/common.h>
#include <kj/memory.h>

#if !defined(KJ_HAS_COROUTINE)

#include <coroutine>
#include <cstdio>
#include <cstdlib>

namespace cambium::coroutine_detail {

// The part of a coroutine's promise that does not depend on its result: a promise node that is also the event on which
// the coroutine waits.
class FrameBase : public kj::_::PromiseNode, public kj::_::Event, private kj::Disposer {
 public:
  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_always final_suspend() noexcept { return {}; }

  void onReady(kj::_::Event* event) noexcept override { ready_.init(event); }
  void tracePromise(kj::_::TraceBuilder& builder, bool stopAtNextEvent) override {
    if (!stopAtNextEvent && awaited_ != nullptr) (*awaited_)->tracePromise(builder, false);
    builder.add(*reinterpret_cast<void**>(handle_.address()));
  }
  void traceEvent(kj::_::TraceBuilder& builder) override {
    if (awaited_ != nullptr) (*awaited_)->tracePromise(builder, true);
    ready_.traceEvent(builder);
  }

  // What this coroutine awaits is ready: goes on, and takes the result there.
  kj::Maybe<kj::Own<kj::_::Event>> fire() override {
    awaited_ = nullptr;
    running_ = true;
    handle_.resume();
    running_ = false;
    return nullptr;
  }

  // Keeps the address of the Own rather than of the node: a chain node replaces itself through its self pointer.
  void await(kj::Own<kj::_::PromiseNode>& node) {
    awaited_ = &node;
    node->onReady(this);
  }

 protected:
  explicit FrameBase(std::coroutine_handle<> handle) : handle_(handle) {}

  kj::Own<kj::_::PromiseNode> ownNode() {
    return kj::Own<kj::_::PromiseNode>(static_cast<kj::_::PromiseNode*>(this), *this);
  }
  void disposeImpl(void*) const override {
    if (running_) {
      fputs("cambium: a coroutine destroyed its own promise\n", stderr);
      abort();
    }
    auto handle = handle_;
    handle.destroy();
  }

  std::coroutine_handle<> handle_;
  kj::Own<kj::_::PromiseNode>* awaited_ = nullptr;
  bool running_ = false;
  OnReadyEvent ready_;
};

template <class T>
class TypedFrame : public FrameBase {
 public:
  using FrameBase::FrameBase;

  kj::Promise<T> get_return_object() { return kj::_::PromiseNode::to<kj::Promise<T>>(ownNode()); }
  void get(kj::_::ExceptionOrValue& output) noexcept override {
    auto& out = output.as<kj::_::FixVoid<T>>();
    out.value = kj::mv(value_);
    if (exception_.get() == nullptr) {
      out.exception = nullptr;
    } else {
      out.exception = kj::mv(*exception_);
    }
  }
  void unhandled_exception() {
    KJ_IF_MAYBE(e, kj::runCatchingExceptions([] { throw; })) {
      if (exception_.get() == nullptr) exception_ = kj::heap<kj::Exception>(kj::mv(*e));
    }
    ready_.arm();
  }

 protected:
  kj::Maybe<kj::_::FixVoid<T>> value_;
  kj::Own<kj::Exception> exception_;
};

template <class T>
struct Frame final : TypedFrame<T> {
  Frame() : TypedFrame<T>(std::coroutine_handle<Frame>::from_promise(*this)) {}
  template <class U>
  void return_value(U&& value) {
    this->value_ = T(kj::fwd<U>(value));
    this->ready_.arm();
  }
};

template <>
struct Frame<void> final : TypedFrame<void> {
  Frame() : TypedFrame<void>(std::coroutine_handle<Frame>::from_promise(*this)) {}
  void return_void() {
    value_ = kj::_::Void();
    ready_.arm();
  }
};

template <class T>
class Awaiter {
 public:
  explicit Awaiter(kj::Promise<T>&& promise) : node_(kj::_::PromiseNode::from(kj::mv(promise))) {
    node_->setSelfPointer(&node_);
  }
  KJ_DISALLOW_COPY(Awaiter);

  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> handle) {
    handle.promise().await(node_);
  }
  // A function of its own keeps the result out of the frame.
  [[gnu::noinline]] T await_resume() {
    kj::_::ExceptionOr<kj::_::FixVoid<T>> result;
    node_->get(result);
    node_ = nullptr;
    return kj::_::convertToReturn(kj::mv(result));
  }

 private:
  kj::Own<kj::_::PromiseNode> node_;
};

}  // namespace cambium::coroutine_detail

template <class T, class... Args>
struct std::coroutine_traits<kj::Promise<T>, Args...> {
  using promise_type = cambium::coroutine_detail::Frame<T>;
};

namespace kj {
template <class T>
cambium::coroutine_detail::Awaiter<T> operator co_await(Promise<T>&& promise) {
  return cambium::coroutine_detail::Awaiter<T>(kj::mv(promise));
}
template <class T>
cambium::coroutine_detail::Awaiter<T> operator co_await(Promise<T>& promise) {
  return cambium::coroutine_detail::Awaiter<T>(kj::mv(promise));
}
}  // namespace kj

#endif  // !KJ_HAS_COROUTINE
