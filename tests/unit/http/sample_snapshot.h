#pragma once

#include "server/http/metrics_page.h"

namespace cambium {

// A broker with two loops, two topics that have series, an engine, and something in every counter.
inline MetricsSnapshot sampleSnapshot() {
  MetricsSnapshot snapshot;
  snapshot.version = kj::str("1.2.3");
  snapshot.clusterId = kj::str("Zm9v");
  snapshot.ready = true;
  snapshot.process = {.residentBytes = 50'000'000,
                      .cpuSeconds = 12.25,
                      .openFiles = 40,
                      .openFilesMax = 1024,
                      .startTimeSeconds = 1'750'000'000.5};
  snapshot.doors.add(DoorConnections{.door = "rpc"_kj, .open = 3, .accepted = 10, .refused = 1, .closedIdle = 2});
  snapshot.doors.add(DoorConnections{.door = "http"_kj, .open = 1, .accepted = 5});
  snapshot.rpc = {.calls = 21, .capabilities = 22, .connectionsClosed = 23};

  PartitionMetrics metrics{.appends = 1,
                           .appendFailures = 2,
                           .appendedRecords = 3,
                           .appendedBytes = 4,
                           .reads = 5,
                           .readBytes = 6,
                           .syncs = 7,
                           .syncFailures = 8,
                           .syncedBytes = 9,
                           .deletedExtents = 10,
                           .deletedBytes = 11,
                           .compactions = 12,
                           .compactionFailures = 13,
                           .compactionBytes = 14,
                           .compactedRecords = 15,
                           .reclaimedBytes = 16,
                           .appendLatency = {},
                           .readLatency = {},
                           .syncLatency = {}};
  metrics.appendLatency.add(int64_t{500});             // below 1 us
  metrics.appendLatency.add(int64_t{3'000});           // below 4 us
  metrics.appendLatency.add(int64_t{60'000'000'000});  // beyond the last bound
  for (int loop = 0; loop < 2; ++loop) {
    ShardReport report;
    report.topics.add(ShardReport::PerTopic{kj::str("words"), metrics});
    report.partitions = 10;
    report.partitionsOffline = 1;
    report.waiting = 2;
    report.unsyncedBytes = Bytes(100);
    report.unsyncedMs = 1500 * (loop + 1);
    report.disk = {Bytes(1000), Bytes(9000), Bytes(2000), true};
    report.loopLagSeconds = 0.5 * loop;
    report.loopLag.add(int64_t{1'000'000});
    snapshot.shards.add(kj::mv(report));
  }
  snapshot.shards[1].gone.appendedRecords = 1000;
  snapshot.topics.add(TopicSeries::Row{kj::str("words"), {6, 8, 12, 10}});
  snapshot.topics.add(TopicSeries::Row{kj::str("__other__"), {1, 2, 3, 4}});
  snapshot.engines.add(EngineFacts{kj::str("native"), {Bytes(1 << 20), Bytes(77), 21}});
  return snapshot;
}

}  // namespace cambium
