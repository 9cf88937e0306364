#pragma once

#include <string>
#include <unordered_map>

#include <kj/string.h>

#include "engine/base/quantity.h"

namespace cambium {

// How many topics a client address may have made by naming them, without a right to make topics: so many at once, and
// so many per minute on average. Operators who ask for a topic are not counted. Pure; one thread.
//
//     burst 1000, 60 per minute: an address that named 1000 topics may name one more after a second
class CreationLimits {
 public:
  // `perMinute` 0: no limit.
  CreationLimits(int32_t burst, int32_t perMinute) : burst_(burst), perMinute_(perMinute) {}
  KJ_DISALLOW_COPY(CreationLimits);

  // Counts a topic, or false when the address has had its share.
  bool take(kj::StringPtr address, SteadyMs now);
  size_t addresses() const { return spent_.size(); }

  // Addresses that are remembered; above it all others share one count.
  static constexpr size_t kAddressesMax = 10'000;

 private:
  // What an address has used of its share, which comes back with time.
  struct Spent {
    double topics = 0;
    SteadyMs at;
  };

  double left(const Spent& spent, SteadyMs now) const;
  void forgetRested(SteadyMs now);

  const int32_t burst_, perMinute_;
  std::unordered_map<std::string, Spent> spent_;
};

}  // namespace cambium
