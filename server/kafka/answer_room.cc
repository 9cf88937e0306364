#include "server/kafka/answer_room.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium::kafka {

bool AnswerRoom::tryGrow(Bytes more) {
  KJ_IF_MAYBE(lease, account_.budget().tryTake(account_, more)) {
    held_.add(kj::mv(*lease));
    return true;
  }
  return false;
}

kj::Promise<void> AnswerRoom::grow(Bytes more) {
  if (tryGrow(more)) co_return;
  waiting_ = true;
  KJ_DEFER({
    waiting_ = false;
    KJ_IF_MAYBE(grown, grown_) (*grown)->fulfill();
  });
  held_.add(co_await wait(more));
}

kj::Promise<void> AnswerRoom::whenGrown() {
  if (!waiting_) return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  grown_ = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

kj::Promise<SharedBudget::Lease> AnswerRoom::wait(Bytes size) {
  // An answer that is partly made holds up others like it while it waits.
  auto patienceMs = held() > Bytes(SharedBudget::kSmallBytes) ? waitMsMax_ / 6 : waitMsMax_;
  auto late = timer_.afterDelay(patienceMs * kj::MILLISECONDS).then([size]() -> SharedBudget::Lease {
    kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "there was no room for an answer (--answer_bytes_max)", size));
  });
  return account_.budget().take(account_, size).exclusiveJoin(kj::mv(late));
}

kj::Promise<Bytes> AnswerRoom::take(Bytes wish, Bytes least) {
  records_.release();
  auto size = account_.budget().moderate(account_, wish, kj::min(wish, least));
  KJ_IF_MAYBE(lease, account_.budget().tryTake(account_, size)) {
    records_ = kj::mv(*lease);
  } else {
    size = kj::min(wish, least);
    records_ = co_await wait(size);
  }
  co_return size;
}

bool AnswerRoom::keep(Bytes read) {
  if (read <= records_.size()) {
    records_.shrink(read);
    return true;
  }
  KJ_IF_MAYBE(more, account_.budget().tryTake(account_, read - records_.size().value())) {
    records_.add(kj::mv(*more));
    return true;
  }
  records_.release();
  return false;
}

void AnswerRoom::settle(Bytes size) {
  held_.add(kj::mv(records_));
  if (held_.size() < size) {
    held_.add(account_.budget().force(account_, size - held_.size().value()));
  } else {
    held_.shrink(size);
  }
}

}  // namespace cambium::kafka
