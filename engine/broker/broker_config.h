#pragma once

#include <cstdint>

#include <kj/string.h>

#include "engine/partition/producer_states.h"

namespace cambium {

// Settings of a broker, checked by whoever made them.
struct BrokerConfig {
  unsigned cores = 1;               // event loops
  kj::String logEngine;             // "native" or "rocksdb": of topics that do not choose
  kj::String stateEngine;           // of metadata, committed offsets and producers
  int32_t partitionsMax = 100'000;  // over all topics
  int32_t brokerId = 1;
  int32_t numPartitions = 1;     // of topics that are made without saying how many
  bool autoCreateTopics = true;  // when a Kafka client asks for metadata of a missing one
  int32_t offsetsPartitions = 8;  // of __consumer_offsets, when it is made
  // Offsets of a group are forgotten so long after it became empty.
  int64_t offsetsRetentionMs = 7LL * 24 * 3600 * 1000;
  int32_t groupInitialDelayMs = 3000;  // how long the first rebalance of an empty group waits for more members
  ProducerLimits producers{};

  BrokerConfig clone() const {
    return {cores,         kj::str(logEngine), kj::str(stateEngine), partitionsMax,
            brokerId,      numPartitions,      autoCreateTopics,     offsetsPartitions,
            offsetsRetentionMs, groupInitialDelayMs, producers};
  }
};

}  // namespace cambium
