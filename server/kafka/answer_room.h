#pragma once

#include <kj/timer.h>

#include "engine/base/shared_budget.h"
#include "engine/broker/fetch_room.h"

namespace cambium::kafka {

// The room of one answer in the broker's budget. How large the answer may become is taken before it is built (the rules
// are in answer_rules.h); handlers whose answers depend on what the broker holds take more, piece by piece, before they
// build a piece. What the answer has in the end is kept until the client has taken it.
class AnswerRoom final : public FetchRoom {
 public:
  // Waits for room end with an OVERLOADED exception after `waitMsMax`: requests that each hold some and wait for more
  // must not wait for each other.
  AnswerRoom(SharedBudget::Account& account, kj::Timer& timer, int64_t waitMsMax)
      : account_(account), timer_(timer), waitMsMax_(waitMsMax) {}
  KJ_DISALLOW_COPY(AnswerRoom);

  // Room for so much more: at once, or false.
  bool tryGrow(Bytes more);
  // Done when there is.
  kj::Promise<void> grow(Bytes more);
  bool isWaiting() const { return waiting_; }
  // Done when grow(), which waits, waits no longer. One caller at a time.
  kj::Promise<void> whenGrown();

  // Records of a fetch are read into room of their own.
  kj::Promise<Bytes> take(Bytes wish, Bytes least) override;
  bool keep(Bytes read) override;

  // The answer is built and has this size.
  void settle(Bytes size);
  Bytes held() const { return held_.size() + records_.size().value(); }

 private:
  kj::Promise<SharedBudget::Lease> wait(Bytes size);

  SharedBudget::Account& account_;
  kj::Timer& timer_;
  const int64_t waitMsMax_;
  SharedBudget::Lease held_;
  SharedBudget::Lease records_;
  bool waiting_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> grown_;
};

}  // namespace cambium::kafka
