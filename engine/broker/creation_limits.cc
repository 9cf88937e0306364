#include "engine/broker/creation_limits.h"

namespace cambium {

namespace {

constexpr double kMinuteMs = 60'000;

}  // namespace

double CreationLimits::left(const Spent& spent, SteadyMs now) const {
  return kj::max(0.0, spent.topics - static_cast<double>(now - spent.at) * perMinute_ / kMinuteMs);
}

bool CreationLimits::take(kj::StringPtr address, SteadyMs now) {
  if (perMinute_ == 0) return true;
  std::string key(address.cStr());
  if (spent_.count(key) == 0 && spent_.size() >= kAddressesMax) {
    forgetRested(now);
    if (spent_.size() >= kAddressesMax) key.clear();
  }
  auto& spent = spent_[key];
  spent = Spent{left(spent, now), now};
  if (spent.topics + 1 > burst_) return false;
  spent.topics += 1;
  return true;
}

void CreationLimits::forgetRested(SteadyMs now) {
  for (auto at = spent_.begin(); at != spent_.end();)
    at = left(at->second, now) == 0 ? spent_.erase(at) : std::next(at);
}

}  // namespace cambium
