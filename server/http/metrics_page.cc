#include "server/http/metrics_page.h"

#include <prometheus/text_serializer.h>
#include <sstream>

namespace cambium {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

std::string standard(kj::StringPtr text) {
  return std::string(text.begin(), text.size());
}

// Collects families; a family that got no series is left out.
class Families {
 public:
  MetricFamily& add(const char* name, const char* help, MetricType type) {
    families_.push_back({name, help, type, {}});
    return families_.back();
  }
  void gauge(const char* name, const char* help, double value, Labels labels = {}) {
    addGauge(add(name, help, MetricType::Gauge), value, std::move(labels));
  }
  void counter(const char* name, const char* help, double value) {
    addCounter(add(name, help, MetricType::Counter), value);
  }
  void histogram(const char* name, const char* help, const LatencyHistogram& histogram) {
    addHistogram(add(name, help, MetricType::Histogram), histogram);
  }

  static void addGauge(MetricFamily& family, double value, Labels labels = {}) {
    series(family, std::move(labels)).gauge.value = value;
  }
  static void addCounter(MetricFamily& family, double value, Labels labels = {}) {
    series(family, std::move(labels)).counter.value = value;
  }
  // Bounds come from the histogram; the format wants counts up to and including each bound, and +Inf, which the
  // serializer adds.
  static void addHistogram(MetricFamily& family, const LatencyHistogram& histogram, Labels labels = {}) {
    auto& shown = series(family, std::move(labels)).histogram;
    uint64_t sum = 0;
    for (int i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
      sum += histogram.count(i);
      shown.bucket.push_back({sum, LatencyHistogram::boundSeconds(i)});
    }
    shown.sample_count = sum + histogram.count(LatencyHistogram::kBuckets - 1);
    shown.sample_sum = histogram.sumSeconds();
  }

  std::string text() {
    std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  static ClientMetric& series(MetricFamily& family, Labels labels) {
    family.metric.emplace_back();
    family.metric.back().label = std::move(labels);
    return family.metric.back();
  }

  std::vector<MetricFamily> families_;
};

void addBroker(Families& families, const MetricsSnapshot& snapshot) {
  families.gauge("cambium_build_info", "The version of the broker and the cluster it belongs to; always 1.", 1,
                 {{"version", standard(snapshot.version)}, {"cluster_id", standard(snapshot.clusterId)}});
  families.gauge("cambium_ready", "1 while the broker serves, 0 while it recovers or stops.", snapshot.ready ? 1 : 0);
}

void addProcess(Families& families, const ProcessFacts& process) {
  families.gauge("cambium_process_resident_memory_bytes", "Resident memory of the process.",
                 static_cast<double>(process.residentBytes));
  families.gauge("cambium_process_own_memory_bytes", "Resident memory without the pages of mapped files.",
                 static_cast<double>(process.ownBytes));
  families.gauge("cambium_process_mapped_file_bytes",
                 "Resident pages of files that are mapped for reading; the system takes them back when it needs them.",
                 static_cast<double>(process.mappedFileBytes));
  families.counter("cambium_process_cpu_seconds_total", "Processor time of all threads, user and system.",
                   process.cpuSeconds);
  families.gauge("cambium_process_open_fds", "Open file descriptors.", static_cast<double>(process.openFiles));
  families.gauge("cambium_process_max_fds", "The most file descriptors that the system allows.",
                 static_cast<double>(process.openFilesMax));
  families.gauge("cambium_process_start_time_seconds", "When the process started, in seconds since 1970-01-01 UTC.",
                 process.startTimeSeconds);
}

void addConnections(Families& families, kj::ArrayPtr<const DoorConnections> doors) {
  struct Kind {
    const char* name;
    const char* help;
    MetricType type;
    uint64_t DoorConnections::* field;
  };
  static constexpr Kind kKinds[] = {
      {"cambium_connections", "Open client connections.", MetricType::Gauge, &DoorConnections::open},
      {"cambium_connections_accepted_total", "Client connections let in.", MetricType::Counter,
       &DoorConnections::accepted},
      {"cambium_connections_refused_total", "Client connections turned away because of a limit.", MetricType::Counter,
       &DoorConnections::refused},
      {"cambium_connections_closed_idle_total", "Idle client connections closed to make room for others.",
       MetricType::Counter, &DoorConnections::closedIdle},
  };
  for (auto& kind : kKinds) {
    auto& family = families.add(kind.name, kind.help, kind.type);
    for (auto& door : doors) {
      auto value = static_cast<double>(door.*kind.field);
      Labels labels{{"door", standard(door.door)}};
      if (kind.type == MetricType::Gauge) {
        Families::addGauge(family, value, std::move(labels));
      } else {
        Families::addCounter(family, value, std::move(labels));
      }
    }
  }
}

void addRpc(Families& families, const RpcHoldings& rpc) {
  families.gauge("cambium_rpc_unfinished_calls", "RPC calls that are not answered, or not finished by their client.",
                 static_cast<double>(rpc.calls));
  families.gauge("cambium_rpc_capabilities", "Capabilities that RPC clients have not released.",
                 static_cast<double>(rpc.capabilities));
  families.counter("cambium_rpc_connections_closed_total",
                   "RPC connections closed because they held more calls or capabilities than they may.",
                   static_cast<double>(rpc.connectionsClosed));
}

void addTraffic(Families& families, const PartitionMetrics& totals) {
  struct Counter {
    const char* name;
    const char* help;
    uint64_t PartitionMetrics::* field;
  };
  static constexpr Counter kCounters[] = {
      {"cambium_appends_total", "Appends that were written.", &PartitionMetrics::appends},
      {"cambium_append_failures_total", "Appends that were refused or failed.", &PartitionMetrics::appendFailures},
      {"cambium_appended_records_total", "Records appended.", &PartitionMetrics::appendedRecords},
      {"cambium_appended_bytes_total", "Bytes of record batches appended.", &PartitionMetrics::appendedBytes},
      {"cambium_reads_total", "Reads of record batches.", &PartitionMetrics::reads},
      {"cambium_read_bytes_total", "Bytes of record batches read.", &PartitionMetrics::readBytes},
      {"cambium_syncs_total", "Syncs of logs to disk.", &PartitionMetrics::syncs},
      {"cambium_synced_bytes_total", "Bytes that syncs made durable.", &PartitionMetrics::syncedBytes},
      {"cambium_sync_failures_total", "Syncs that failed.", &PartitionMetrics::syncFailures},
      {"cambium_retention_deleted_extents_total", "Segments that retention gave up.",
       &PartitionMetrics::deletedExtents},
      {"cambium_retention_deleted_bytes_total", "Bytes of the segments that retention gave up.",
       &PartitionMetrics::deletedBytes},
      {"cambium_compactions_total", "Passes of compaction that came to their end.", &PartitionMetrics::compactions},
      {"cambium_compaction_failures_total", "Passes of compaction that failed.", &PartitionMetrics::compactionFailures},
      {"cambium_compaction_bytes_total", "Bytes that compaction read and wrote.", &PartitionMetrics::compactionBytes},
      {"cambium_compaction_removed_records_total", "Records that compaction removed.",
       &PartitionMetrics::compactedRecords},
      {"cambium_compaction_reclaimed_bytes_total", "Bytes that logs lost by compaction.",
       &PartitionMetrics::reclaimedBytes},
  };
  for (auto& counter : kCounters) {
    families.counter(counter.name, counter.help, static_cast<double>(totals.*counter.field));
  }
  families.histogram("cambium_append_duration_seconds", "Time of an append from validation to written.",
                     totals.appendLatency);
  families.histogram("cambium_read_duration_seconds", "Time of a read, without waiting for data.", totals.readLatency);
  families.histogram("cambium_sync_duration_seconds", "Time of a sync to disk.", totals.syncLatency);
}

void addTopics(Families& families, kj::ArrayPtr<const TopicSeries::Row> topics) {
  struct Counter {
    const char* name;
    const char* help;
    uint64_t TopicTraffic::* field;
  };
  static constexpr Counter kCounters[] = {
      {"cambium_topic_appended_records_total", "Records appended, by topic; small topics share __other__.",
       &TopicTraffic::records},
      {"cambium_topic_appended_bytes_total",
       "Bytes of record batches appended, by topic; small topics share __other__.", &TopicTraffic::bytesIn},
      {"cambium_topic_reads_total", "Reads of record batches, by topic; small topics share __other__.",
       &TopicTraffic::reads},
      {"cambium_topic_read_bytes_total", "Bytes of record batches read, by topic; small topics share __other__.",
       &TopicTraffic::bytesOut},
  };
  for (auto& counter : kCounters) {
    auto& family = families.add(counter.name, counter.help, MetricType::Counter);
    for (auto& row : topics) {
      Families::addCounter(family, static_cast<double>(row.traffic.*counter.field), {{"topic", standard(row.topic)}});
    }
  }
}

void addDisk(Families& families, const DiskStatus& disk) {
  families.gauge("cambium_disk_free_bytes", "Bytes free on the device of the data directory.",
                 static_cast<double>(disk.free.value()));
  families.gauge("cambium_disk_total_bytes", "Bytes of the device of the data directory.",
                 static_cast<double>(disk.total.value()));
  families.gauge("cambium_disk_reserve_bytes", "Bytes that clients leave alone (--disk_reserve_bytes).",
                 static_cast<double>(disk.reserve.value()));
  families.gauge("cambium_disk_full", "1 while appends are refused because less than the reserve is free.",
                 disk.full ? 1 : 0);
}

void addShards(Families& families, kj::ArrayPtr<const ShardReport> shards) {
  PartitionMetrics totals;
  size_t partitions = 0, offline = 0, waiting = 0;
  uint64_t unsyncedBytes = 0;
  int64_t unsyncedMs = 0;
  for (auto& shard : shards) {
    totals.add(shard.gone);
    for (auto& topic : shard.topics)
      totals.add(topic.metrics);
    partitions += shard.partitions;
    offline += shard.partitionsOffline;
    waiting += shard.waiting;
    unsyncedBytes += shard.unsyncedBytes.value();
    unsyncedMs = kj::max(unsyncedMs, shard.unsyncedMs);
  }
  addTraffic(families, totals);
  families.gauge("cambium_partitions", "Partitions of this broker.", static_cast<double>(partitions));
  families.gauge("cambium_partitions_offline", "Partitions whose log is damaged or failed.",
                 static_cast<double>(offline));
  families.gauge("cambium_waiting_requests", "Reads that wait for data and appends that wait for durability.",
                 static_cast<double>(waiting));

  families.gauge("cambium_unsynced_bytes", "Bytes appended and not yet made durable: what a power loss would take.",
                 static_cast<double>(unsyncedBytes));
  families.gauge("cambium_unsynced_age_seconds", "Since the oldest of the unsynced bytes was appended.",
                 static_cast<double>(unsyncedMs) / 1000);
  addDisk(families, shards[0].disk);

  auto lagHelp = "How late a timer of an event loop fired.";
  auto& lag = families.add("cambium_loop_lag_seconds", lagHelp, MetricType::Histogram);
  for (size_t core = 0; core < shards.size(); ++core) {
    Families::addHistogram(lag, shards[core].loopLag, {{"core", std::to_string(core)}});
  }
  auto& last = families.add("cambium_loop_lag_last_seconds", "The last lateness measured.", MetricType::Gauge);
  for (size_t core = 0; core < shards.size(); ++core) {
    Families::addGauge(last, shards[core].loopLagSeconds, {{"core", std::to_string(core)}});
  }
}

void addGroups(Families& families, kj::ArrayPtr<const ShardReport> shards) {
  size_t groups = 0, offsets = 0;
  LatencyHistogram rebalances;
  for (auto& shard : shards) {
    for (auto& coordinator : shard.coordinators) {
      groups += coordinator.groups;
      offsets += coordinator.offsets;
      rebalances.add(coordinator.rebalances);
    }
  }
  families.gauge("cambium_groups", "Consumer groups that the coordinators hold.", static_cast<double>(groups));
  families.gauge("cambium_group_offsets", "Committed offsets.", static_cast<double>(offsets));
  families.histogram("cambium_group_rebalance_seconds",
                     "From the first sign of a rebalance until every member is sent its assignment.", rebalances);
}

void addEngines(Families& families, kj::ArrayPtr<const EngineFacts> engines) {
  struct Kind {
    const char* name;
    const char* help;
    double (*value)(const EngineUsage&);
  };
  static constexpr Kind kKinds[] = {
      {"cambium_storage_log_bytes", "Bytes of record batches that a storage engine holds.",
       [](const EngineUsage& usage) { return static_cast<double>(usage.logBytes.value()); }},
      {"cambium_storage_table_bytes", "Bytes of tables that a storage engine holds.",
       [](const EngineUsage& usage) { return static_cast<double>(usage.tableBytes.value()); }},
      {"cambium_storage_open_files", "Files that a storage engine has open.",
       [](const EngineUsage& usage) { return static_cast<double>(usage.openFiles); }},
  };
  for (auto& kind : kKinds) {
    auto& family = families.add(kind.name, kind.help, MetricType::Gauge);
    for (auto& engine : engines) {
      Families::addGauge(family, kind.value(engine.usage), {{"engine", standard(engine.engine)}});
    }
  }
}

}  // namespace

std::string metricsPage(const MetricsSnapshot& snapshot) {
  Families families;
  addBroker(families, snapshot);
  addProcess(families, snapshot.process);
  addConnections(families, snapshot.doors);
  addRpc(families, snapshot.rpc);
  if (snapshot.shards.size() > 0) {
    addShards(families, snapshot.shards);
    addGroups(families, snapshot.shards);
  }
  addTopics(families, snapshot.topics);
  addEngines(families, snapshot.engines);
  return families.text();
}

}  // namespace cambium
