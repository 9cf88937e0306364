#include "engine/partition/append_gate.h"

#include <kj/debug.h>

namespace cambium {

kj::Promise<Result<AppendOutcome>> AppendGate::wait(kj::Array<kj::byte> batches) {
  KJ_REQUIRE(closed_, "an append waits at an open gate");
  auto after = Bytes(bytes_.value() + batches.size());
  // One alone is always taken: however large it is, its sender holds it as well.
  if (after > bytesMax_ && !waiting_.empty()) {
    return Result<AppendOutcome>(makeError(ErrorCode::kRequestTimedOut, "too much is waiting (", bytes_,
                                           " bytes) for the log to be in its new engine; send again"));
  }
  bytes_ = after;
  auto paf = kj::newPromiseAndFulfiller<Result<AppendOutcome>>();
  waiting_.push_back(Waiting{kj::mv(batches), kj::mv(paf.fulfiller)});
  return kj::mv(paf.promise);
}

kj::Promise<void> AppendGate::whenOpen() {
  if (!closed_) return kj::READY_NOW;
  return opened_.wait();
}

void AppendGate::open(kj::FunctionParam<Result<AppendOutcome>(kj::ArrayPtr<kj::byte>)> append) {
  if (!closed_) return;
  closed_ = false;
  bytes_ = Bytes(0);
  while (!waiting_.empty()) {
    auto next = kj::mv(waiting_.front());
    waiting_.pop_front();
    next.done->fulfill(append(next.batches));
  }
  opened_.wakeAll();
}

}  // namespace cambium
