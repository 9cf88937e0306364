#include "engine/group/group_timers.h"

#include <kj/debug.h>
#include <kj/vector.h>

#include "engine/base/coroutine.h"

namespace cambium {

GroupTimers::GroupTimers(kj::Timer& timer, const Clock& clock, kj::Function<void(const std::string&)> due)
    : timer_(timer), clock_(clock), due_(kj::mv(due)) {
  running_ = run().eagerlyEvaluate([](kj::Exception&& e) { KJ_LOG(ERROR, "deadlines of groups", e); });
}

void GroupTimers::set(const std::string& group, kj::Maybe<SteadyMs> deadline) {
  auto known = deadlines_.find(group);
  if (known != deadlines_.end()) {
    KJ_IF_MAYBE(same, deadline) {
      if (*same == known->second) return;
    }
    order_.erase({known->second, group});
    deadlines_.erase(known);
  }
  KJ_IF_MAYBE(at, deadline) {
    deadlines_.emplace(group, *at);
    order_.emplace(*at, group);
    bool sooner = true;
    KJ_IF_MAYBE(armed, armedFor_) sooner = *at < *armed;
    if (sooner && wake_.get() != nullptr) wake_->fulfill();
  }
}

void GroupTimers::stop() {
  running_ = nullptr;
  deadlines_.clear();
  order_.clear();
}

kj::Promise<void> GroupTimers::run() {
  for (;;) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    wake_ = kj::mv(paf.fulfiller);
    if (order_.empty()) {
      armedFor_ = nullptr;
      co_await paf.promise;
    } else {
      auto first = order_.begin()->first;
      armedFor_ = first;
      auto ms = kj::max(int64_t{0}, first.value() - clock_.steadyNs() / 1'000'000);
      co_await timer_.afterDelay(ms * kj::MILLISECONDS).exclusiveJoin(kj::mv(paf.promise));
    }
    runDue();
  }
}

void GroupTimers::runDue() {
  SteadyMs now(clock_.steadyNs() / 1'000'000);
  // Collected first: what is done for one may set others.
  kj::Vector<std::string> due;
  while (!order_.empty() && order_.begin()->first <= now) {
    due.add(order_.begin()->second);
    deadlines_.erase(order_.begin()->second);
    order_.erase(order_.begin());
  }
  for (auto& group : due)
    due_(group);
}

}  // namespace cambium
