#pragma once

#include <map>
#include <set>
#include <string>

#include <kj/function.h>
#include <kj/timer.h>

#include "engine/base/clock.h"

namespace cambium {

// One deadline for each of many groups, over one timer. Lives on one loop.
class GroupTimers {
 public:
  // `due` hears the name of every group whose deadline has come; its deadline is gone by then.
  GroupTimers(kj::Timer& timer, const Clock& clock, kj::Function<void(const std::string&)> due);
  KJ_DISALLOW_COPY(GroupTimers);

  // Replaces the group's deadline; null: it has none.
  void set(const std::string& group, kj::Maybe<SteadyMs> deadline);
  void stop();

 private:
  kj::Promise<void> run();
  void runDue();

  kj::Timer& timer_;
  const Clock& clock_;
  kj::Function<void(const std::string&)> due_;
  std::map<std::string, SteadyMs> deadlines_;
  std::set<std::pair<SteadyMs, std::string>> order_;
  kj::Maybe<SteadyMs> armedFor_;  // null: sleeps until it is woken
  kj::Own<kj::PromiseFulfiller<void>> wake_;
  kj::Promise<void> running_ = nullptr;
};

}  // namespace cambium
