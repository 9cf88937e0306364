#pragma once

#include "engine/broker/local_broker.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// The topic that a request names: by its id where the version has ids, else by its name.
inline Result<kj::Own<const Topic>> findTopic(LocalBroker& broker, bool byId, const Text& name, const Uuid& id) {
  if (byId) return broker.topic(id);
  return broker.topic(kj::heapString(name.view().data(), name.size()));
}

// The topic of that name, for answers that tell about topics: kInvalidTopic when none can have the name.
Result<kj::Own<const Topic>> describedTopic(LocalBroker& broker, kj::StringPtr name);

// kUnknownTopicOrPartition when `topic` has no such partition.
Result<void> checkPartition(const Topic& topic, int32_t partition);

// What a client believes about the leader (KIP-320): kFencedLeaderEpoch when it is behind, kUnknownLeaderEpoch when it
// is ahead. -1: it does not say; any other number below 0 is behind.
Result<void> checkLeaderEpoch(const Topic& topic, int32_t partition, int32_t clientsEpoch);

}  // namespace cambium::kafka
