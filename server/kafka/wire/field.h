#pragma once

#include <cstdint>

namespace cambium::kafka {

// A version of one API, as the header of a request names it.
using Version = int16_t;

inline constexpr Version kVersionMax = 0x7fff;
inline constexpr Version kNever = -1;

struct VersionRange {
  Version first = 0;
  Version last = kVersionMax;

  constexpr bool contains(Version v) const { return v >= first && v <= last; }
};

constexpr VersionRange versions(Version first, Version last) {
  return {first, last};
}

// Where and how a field of a message is on the wire. Made by the functions below:
//
//     v("leaderEpoch", m.leaderEpoch, since(7));
//     v("rackId", m.rackId, since(11));
//     v("nodeEndpoints", m.nodeEndpoints, since(10).tagged(0));
//     v("topics", m.topics, always().nullableSince(1));
struct Field {
  VersionRange versions{};
  Version nullableFrom = kNever;  // kNever: the value is never null
  int32_t tag = -1;               // -1: not a tagged field
  int64_t absent = 0;             // what a tagged number is when it is not sent

  // From `v` on, null is a value. The member is a kj::Maybe.
  constexpr Field nullableSince(Version v) const {
    Field copy = *this;
    copy.nullableFrom = v;
    return copy;
  }
  constexpr Field nullable() const { return nullableSince(0); }
  // A tagged field (KIP-482): sent only when it is not `whenAbsent`, not empty, not null.
  constexpr Field tagged(int32_t number, int64_t whenAbsent = 0) const {
    Field copy = *this;
    copy.tag = number;
    copy.absent = whenAbsent;
    return copy;
  }
  constexpr bool nullableIn(Version v) const { return nullableFrom != kNever && v >= nullableFrom; }
};

constexpr Field always() {
  return {};
}
constexpr Field nullable() {
  return always().nullable();
}
constexpr Field since(Version first) {
  return {.versions = {first, kVersionMax}};
}
constexpr Field between(Version first, Version last) {
  return {.versions = {first, last}};
}
constexpr Field until(Version last) {
  return {.versions = {0, last}};
}

// What the codec asks of every message: `struct X { static constexpr MessageFacts kFacts{...}; … }`.
struct MessageFacts {
  int16_t key;
  const char* name;       // "FetchRequest"
  VersionRange versions;  // that we can read and write
  Version flexibleSince;  // compact lengths and tagged fields from here on; kVersionMax: never

  constexpr bool flexible(Version v) const { return v >= flexibleSince; }
};

}  // namespace cambium::kafka
