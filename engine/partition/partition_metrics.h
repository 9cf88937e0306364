#pragma once

#include "engine/base/latency_histogram.h"

namespace cambium {

// Counters of one topic on one loop, shared by its partitions there. Only ever grow.
struct PartitionMetrics {
  uint64_t appends = 0;
  uint64_t appendFailures = 0;
  uint64_t appendedRecords = 0;
  uint64_t appendedBytes = 0;
  uint64_t reads = 0;
  uint64_t readBytes = 0;
  uint64_t syncs = 0;
  uint64_t syncFailures = 0;
  uint64_t syncedBytes = 0;
  uint64_t deletedExtents = 0;  // by retention
  uint64_t deletedBytes = 0;    // … and what they held
  uint64_t compactions = 0;     // passes over a log that came to their end
  uint64_t compactionFailures = 0;
  uint64_t compactionBytes = 0;    // read and written by compaction
  uint64_t compactedRecords = 0;   // that compaction removed
  uint64_t reclaimedBytes = 0;     // that logs are smaller after compaction
  LatencyHistogram appendLatency;  // validation to written
  LatencyHistogram readLatency;
  LatencyHistogram syncLatency;

  void add(const PartitionMetrics& other) {
    appends += other.appends;
    appendFailures += other.appendFailures;
    appendedRecords += other.appendedRecords;
    appendedBytes += other.appendedBytes;
    reads += other.reads;
    readBytes += other.readBytes;
    syncs += other.syncs;
    syncFailures += other.syncFailures;
    syncedBytes += other.syncedBytes;
    deletedExtents += other.deletedExtents;
    deletedBytes += other.deletedBytes;
    compactions += other.compactions;
    compactionFailures += other.compactionFailures;
    compactionBytes += other.compactionBytes;
    compactedRecords += other.compactedRecords;
    reclaimedBytes += other.reclaimedBytes;
    appendLatency.add(other.appendLatency);
    readLatency.add(other.readLatency);
    syncLatency.add(other.syncLatency);
  }
};

}  // namespace cambium
