#include "engine/partition/append_gate.h"

#include <kj/debug.h>

namespace cambium {

kj::Promise<Result<AppendOutcome>> AppendGate::wait(Waiting append) {
  auto after = bytes_ + append.batches.size();
  // One alone is always taken: however large it is, its sender holds it as well.
  if (after > bytesMax_.value() && !waiting_.empty()) {
    return Result<AppendOutcome>(makeError(ErrorCode::kRequestTimedOut, "too much waits to be appended already (",
                                           bytes_, " bytes); send again"));
  }
  bytes_ = after;
  auto paf = kj::newPromiseAndFulfiller<Result<AppendOutcome>>();
  append.done = kj::mv(paf.fulfiller);
  waiting_.push_back(kj::mv(append));
  return kj::mv(paf.promise);
}

void AppendGate::release() {
  if (!held_) return;
  held_ = false;
  released_.wakeAll();
}

kj::Promise<void> AppendGate::whenReleased() {
  if (!held_) return kj::READY_NOW;
  return released_.wait();
}

kj::Maybe<AppendGate::Waiting&> AppendGate::first() {
  if (held_ || waiting_.empty()) return nullptr;
  return waiting_.front();
}

AppendGate::Waiting& AppendGate::front() {
  KJ_REQUIRE(!waiting_.empty(), "no append waits");
  return waiting_.front();
}

void AppendGate::finishFirst(Result<AppendOutcome> outcome) {
  auto first = kj::mv(front());
  waiting_.pop_front();
  bytes_ -= first.batches.size();
  first.done->fulfill(kj::mv(outcome));
}

}  // namespace cambium
