#pragma once

#include <compare>
#include <cstdint>

#include <kj/string.h>

namespace cambium {

// A number that knows what it counts. Two quantities of different tags do not mix, neither does a bare integer:
// offsets, times and byte counts cannot be swapped by accident. Distances stay plain integers:
//
//     Offset end = start + 10;      // Offset + int64_t -> Offset
//     int64_t n  = end - start;     // Offset - Offset  -> int64_t
//
// Trivially copyable, safe on every thread. Sums are the caller's to keep in range.
template <class Tag, class Rep>
class Quantity {
 public:
  using Value = Rep;

  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;

  friend constexpr Quantity operator+(Quantity a, Rep distance) { return Quantity(a.value_ + distance); }
  friend constexpr Quantity operator-(Quantity a, Rep distance) { return Quantity(a.value_ - distance); }
  friend constexpr Rep operator-(Quantity a, Quantity b) { return a.value_ - b.value_; }
  constexpr Quantity& operator+=(Rep distance) {
    value_ += distance;
    return *this;
  }

  friend kj::String KJ_STRINGIFY(Quantity q) { return kj::str(q.value_); }

 private:
  Rep value_ = 0;
};

// Position of a record in its partition, from 0, dense. -1 means "none".
using Offset = Quantity<struct OffsetTag, int64_t>;
// Counts the leaders a partition has had (KIP-101). -1 means "unknown".
using LeaderEpoch = Quantity<struct LeaderEpochTag, int32_t>;
// Number of a partition in its topic, from 0.
using PartitionIndex = Quantity<struct PartitionIndexTag, int32_t>;
// Wall-clock time, milliseconds since 1970-01-01 UTC. -1 means "none".
using TimestampMs = Quantity<struct TimestampMsTag, int64_t>;
// Milliseconds of a steady clock, since an arbitrary moment (Clock::steadyNs() / 1,000,000): deadlines.
using SteadyMs = Quantity<struct SteadyMsTag, int64_t>;
// A count of bytes.
using Bytes = Quantity<struct BytesTag, uint64_t>;

inline constexpr Offset kNoOffset{-1};
inline constexpr TimestampMs kNoTimestamp{-1};
inline constexpr LeaderEpoch kNoLeaderEpoch{-1};

constexpr Bytes kibibytes(uint64_t n) {
  return Bytes(n << 10);
}
constexpr Bytes mebibytes(uint64_t n) {
  return Bytes(n << 20);
}

// Borrowed bytes; whoever hands them out says how long they live.
using ByteView = kj::ArrayPtr<const kj::byte>;

}  // namespace cambium
