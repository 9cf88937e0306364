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
    appendLatency.add(other.appendLatency);
    readLatency.add(other.readLatency);
    syncLatency.add(other.syncLatency);
  }
};

}  // namespace cambium
