#pragma once

#include <string>

#include "engine/broker/shard.h"
#include "server/http/connection_counts.h"
#include "server/http/process_info.h"
#include "server/http/topic_series.h"

namespace cambium {

struct EngineFacts {
  kj::String engine;
  EngineUsage usage;
};

// Everything the metrics page says, as plain data.
struct MetricsSnapshot {
  kj::String version;
  kj::String clusterId;
  bool ready = false;
  ProcessFacts process;
  kj::Vector<DoorConnections> doors;
  RpcHoldings rpc;
  kj::Vector<ShardReport> shards;       // empty until the broker serves
  kj::Vector<TopicSeries::Row> topics;  // as TopicSeries bounded them
  kj::Vector<EngineFacts> engines;      // empty when they could not be asked in time
};

// The snapshot in Prometheus' text format, version 0.0.4
// (https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md). What is not known (the
// broker does not serve yet, engines that did not answer) is left out rather than shown as 0.
std::string metricsPage(const MetricsSnapshot& snapshot);

}  // namespace cambium
