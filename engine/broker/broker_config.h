#pragma once

#include <cstdint>

#include <kj/string.h>
#include <kj/vector.h>

#include "engine/base/live.h"
#include "engine/partition/partition_config.h"
#include "engine/partition/producer_states.h"

namespace cambium {

// A flag of the command line as it stands, for those who ask what a broker runs with.
struct FlagValue {
  kj::String name;  // without dashes
  kj::String value;
  kj::String defaultValue;
  bool given;  // on the command line or in a flag file, as opposed to its default

  FlagValue clone() const { return {kj::str(name), kj::str(value), kj::str(defaultValue), given}; }
};

// Settings of a broker, checked by whoever made them. Those that are Live may change while the broker runs; whoever
// keeps something that was made of them hears of it (Shard::reconfigure).
struct BrokerConfig {
  unsigned cores = 1;                     // event loops
  kj::String logEngine;                   // "native" or "rocksdb": of topics that do not choose
  kj::String stateEngine;                 // of metadata, committed offsets and producers
  Live<int32_t> partitionsMax = 100'000;  // over all topics
  int32_t brokerId = 1;
  Live<int32_t> numPartitions = 1;                     // of topics that are made without saying how many
  Live<bool> autoCreateTopics = true;                  // when a Kafka client asks for metadata of a missing one
  int32_t autoCreateBurst = 1000;                      // … that a client address may have made at once
  int32_t autoCreatePerMinute = 60;                    // … and on average; 0: no limit
  Live<int64_t> groupInitialRebalanceDelayMs = 3000;   // a new group waits so long for further members
  Live<int64_t> groupMinSessionTimeoutMs = 6000;       // least that a member may ask for
  Live<int64_t> groupMaxSessionTimeoutMs = 1'800'000;  // most that a member may ask for
  Live<int32_t> groupMaxSize = 5000;                   // members of one group
  Bytes groupMemberBytesMax = mebibytes(12);           // what the members of one group say of themselves
  Bytes groupMetadataBytesMax = mebibytes(16);         // metadata of the offsets of one group
  int32_t offsetsPartitions = 8;                       // of __consumer_offsets, when it is made
  int32_t offsetsSegmentBytes = 16 << 20;              // of __consumer_offsets, when it is made
  Live<int64_t> offsetsRetentionMinutes = 10080;       // offsets of a group without members are kept so long
  Live<int64_t> segmentBytesMin = 1 << 20;             // least segment.bytes that a topic may be given, as in Kafka
  ProducerLimits producers{};                          // of one partition
  Live<int64_t> retentionCheckMs = 300'000;            // between two looks at what retention gives up
  Live<int64_t> cleanerBackoffMs = 15'000;             // between two looks at what to compact, and after a failure
  Live<uint64_t> cleanerKeyMapBytes = 64 << 20;        // of all loops together
  Live<uint64_t> cleanerBytesPerSecond = 64
                                         << 20;    // read and written by compaction, of all loops together; 0: no limit
  Live<Bytes> moveBytesPerSecond = mebibytes(64);  // that moves between engines copy, all loops together; 0: no limit
  Live<int64_t> diskReserveBytes = -1;             // see DiskReserve; -1: its default
  Bytes decompressedBatchBytesMax = Bytes(kInflatedBytesDefault);  // the records of a compressed batch
  kj::Vector<FlagValue> flags{};                                   // of the command line; empty when there was none

  BrokerConfig clone() const {
    BrokerConfig copy;
    copy.cores = cores;
    copy.logEngine = kj::str(logEngine);
    copy.stateEngine = kj::str(stateEngine);
    copy.partitionsMax = partitionsMax;
    copy.brokerId = brokerId;
    copy.numPartitions = numPartitions;
    copy.autoCreateTopics = autoCreateTopics;
    copy.autoCreateBurst = autoCreateBurst;
    copy.autoCreatePerMinute = autoCreatePerMinute;
    copy.groupInitialRebalanceDelayMs = groupInitialRebalanceDelayMs;
    copy.groupMinSessionTimeoutMs = groupMinSessionTimeoutMs;
    copy.groupMaxSessionTimeoutMs = groupMaxSessionTimeoutMs;
    copy.groupMaxSize = groupMaxSize;
    copy.groupMemberBytesMax = groupMemberBytesMax;
    copy.groupMetadataBytesMax = groupMetadataBytesMax;
    copy.offsetsPartitions = offsetsPartitions;
    copy.offsetsSegmentBytes = offsetsSegmentBytes;
    copy.offsetsRetentionMinutes = offsetsRetentionMinutes;
    copy.segmentBytesMin = segmentBytesMin;
    copy.producers = producers;
    copy.retentionCheckMs = retentionCheckMs;
    copy.cleanerBackoffMs = cleanerBackoffMs;
    copy.cleanerKeyMapBytes = cleanerKeyMapBytes;
    copy.cleanerBytesPerSecond = cleanerBytesPerSecond;
    copy.moveBytesPerSecond = moveBytesPerSecond;
    copy.decompressedBatchBytesMax = decompressedBatchBytesMax;
    copy.diskReserveBytes = diskReserveBytes;
    for (auto& flag : flags)
      copy.flags.add(flag.clone());
    return copy;
  }

  // What is left alone of the device; null: DiskReserve's default.
  kj::Maybe<Bytes> diskReserve() const {
    int64_t bytes = diskReserveBytes;
    if (bytes < 0) return nullptr;
    return Bytes(static_cast<uint64_t>(bytes));
  }
};

}  // namespace cambium
