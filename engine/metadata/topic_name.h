#pragma once

#include "engine/base/error.h"

namespace cambium {

// Kafka's rules for topic names: 1 to 249 characters of [a-zA-Z0-9._-], neither "." nor "..". The error says what is
// wrong.
Result<void> checkTopicName(kj::StringPtr name);

// The log of a partition, and Kafka's name for its folder: "<topic>-<partition>".
kj::String partitionName(kj::StringPtr topic, int32_t partition);

// Committed offsets and the state of groups, as records (engine/group).
inline constexpr kj::StringPtr kOffsetsTopic = "__consumer_offsets"_kj;

// Topics that the broker keeps for itself: clients may read them, nothing else.
inline bool isInternalTopic(kj::StringPtr name) {
  return name == kOffsetsTopic;
}

}  // namespace cambium
