#include "backends/native/log_folder.h"

#include <kj/debug.h>

namespace cambium {

namespace {
// The decimal digits of the largest unsigned 64-bit number; Kafka's width.
constexpr size_t kBaseOffsetDigits = 20;
}  // namespace

kj::String segmentFileName(Offset base, kj::StringPtr suffix) {
  KJ_REQUIRE(base.value() >= 0);
  auto digits = kj::str(base.value());
  return kj::str(kj::repeat('0', kBaseOffsetDigits - digits.size()), digits, suffix);
}

kj::Maybe<Offset> parseSegmentFileName(kj::StringPtr name, kj::StringPtr suffix) {
  if (name.size() != kBaseOffsetDigits + suffix.size() || !name.endsWith(suffix)) return nullptr;
  uint64_t value = 0;
  for (char c : name.slice(0, kBaseOffsetDigits)) {
    if (c < '0' || c > '9') return nullptr;
    uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (uint64_t{INT64_MAX} - digit) / 10) return nullptr;
    value = value * 10 + digit;
  }
  return Offset(static_cast<int64_t>(value));
}

}  // namespace cambium
