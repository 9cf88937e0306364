#include "engine/retention/log_picture.h"

namespace cambium {

void UntimedExtents::fill(kj::ArrayPtr<Extent> extents, TimestampMs now) {
  std::map<Offset, Seen> seen;
  auto next = TimestampMs(INT64_MAX);  // of the extents behind
  for (size_t i = extents.size(); i-- > 0;) {
    auto& extent = extents[i];
    if (extent.maxTimestamp != kNoTimestamp) {
      next = extent.maxTimestamp;
      continue;
    }
    auto since = now;
    auto known = seen_.find(extent.first);
    if (known != seen_.end() && known->second.end == extent.end) since = known->second.since;
    seen.emplace(extent.first, Seen{extent.end, since});
    extent.maxTimestamp = kj::min(since, next);
  }
  seen_ = kj::mv(seen);
}

int64_t ageMs(TimestampMs then, TimestampMs now) {
  int64_t age;
  if (__builtin_sub_overflow(now.value(), then.value(), &age)) return then > now ? INT64_MIN : INT64_MAX;
  return age;
}

}  // namespace cambium
