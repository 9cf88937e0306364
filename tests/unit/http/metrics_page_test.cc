#include "server/http/metrics_page.h"

#include <gtest/gtest.h>

#include "tests/unit/http/sample_snapshot.h"

namespace cambium {
namespace {

// Whether the page has exactly this line.
bool has(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

TEST(MetricsPageTest, SaysWhatTheSnapshotHolds) {
  auto page = metricsPage(sampleSnapshot());
  for (auto* line : {
           "# TYPE cambium_build_info gauge",
           "cambium_build_info{version=\"1.2.3\",cluster_id=\"Zm9v\"} 1",
           "cambium_ready 1",
           "cambium_process_resident_memory_bytes 50000000",
           "# TYPE cambium_process_cpu_seconds_total counter",
           "cambium_process_cpu_seconds_total 12.25",
           "cambium_process_open_fds 40",
           "cambium_process_max_fds 1024",
           "cambium_process_start_time_seconds 1750000000.5",
           "cambium_connections{door=\"rpc\"} 3",
           "cambium_connections_accepted_total{door=\"rpc\"} 10",
           "cambium_connections_refused_total{door=\"rpc\"} 1",
           "cambium_connections_closed_idle_total{door=\"rpc\"} 2",
           "cambium_rpc_unfinished_calls 21",
           "cambium_rpc_capabilities 22",
           "cambium_rpc_connections_closed_total 23",
           "cambium_connections{door=\"http\"} 1",
           "cambium_partitions 20",
           "cambium_partitions_offline 2",
           "cambium_waiting_requests 4",
           "cambium_unsynced_bytes 200",
           "cambium_unsynced_age_seconds 3",
           "cambium_disk_free_bytes 1000",
           "cambium_disk_total_bytes 9000",
           "cambium_disk_reserve_bytes 2000",
           "cambium_disk_full 1",
           "cambium_loop_lag_last_seconds{core=\"0\"} 0",
           "cambium_loop_lag_last_seconds{core=\"1\"} 0.5",
           "cambium_loop_lag_seconds_count{core=\"1\"} 1",
           "cambium_storage_log_bytes{engine=\"native\"} 1048576",
           "cambium_storage_table_bytes{engine=\"native\"} 77",
           "cambium_storage_open_files{engine=\"native\"} 21",
       }) {
    EXPECT_TRUE(has(page, line)) << line << "\n" << page;
  }
}

TEST(MetricsPageTest, TotalsSumTheLoopsAndWhatIsGone) {
  auto page = metricsPage(sampleSnapshot());
  for (auto* line :
       {"cambium_appends_total 2", "cambium_append_failures_total 4", "cambium_appended_records_total 1006",
        "cambium_appended_bytes_total 8", "cambium_reads_total 10", "cambium_read_bytes_total 12",
        "cambium_syncs_total 14", "cambium_sync_failures_total 16", "cambium_synced_bytes_total 18",
        "cambium_retention_deleted_extents_total 20", "cambium_retention_deleted_bytes_total 22",
        "cambium_compactions_total 24", "cambium_compaction_failures_total 26", "cambium_compaction_bytes_total 28",
        "cambium_compaction_removed_records_total 30", "cambium_compaction_reclaimed_bytes_total 32"}) {
    EXPECT_TRUE(has(page, line)) << line;
  }
}

TEST(MetricsPageTest, TopicsHaveSeries) {
  auto page = metricsPage(sampleSnapshot());
  for (auto* line :
       {"cambium_topic_appended_records_total{topic=\"words\"} 6",
        "cambium_topic_appended_bytes_total{topic=\"words\"} 8", "cambium_topic_read_bytes_total{topic=\"words\"} 12",
        "cambium_topic_reads_total{topic=\"words\"} 10", "cambium_topic_appended_records_total{topic=\"__other__\"} 1",
        "cambium_topic_reads_total{topic=\"__other__\"} 4"}) {
    EXPECT_TRUE(has(page, line)) << line;
  }
}

TEST(MetricsPageTest, HistogramsCountUpToEachBound) {
  auto page = metricsPage(sampleSnapshot());
  for (auto* line :
       {"# TYPE cambium_append_duration_seconds histogram", "cambium_append_duration_seconds_bucket{le=\"1e-06\"} 2",
        "cambium_append_duration_seconds_bucket{le=\"2e-06\"} 2",
        "cambium_append_duration_seconds_bucket{le=\"4e-06\"} 4",
        "cambium_append_duration_seconds_bucket{le=\"16.777216\"} 4",
        "cambium_append_duration_seconds_bucket{le=\"+Inf\"} 6", "cambium_append_duration_seconds_count 6"}) {
    EXPECT_TRUE(has(page, line)) << line << "\n" << page;
  }
  EXPECT_NE(page.find("\ncambium_append_duration_seconds_sum 120.000007"), std::string::npos) << page;
}

TEST(MetricsPageTest, BoundsReadAsTheyWereMeant) {
  // A bound such as 0.0005120000000000001 would be a series of its own on another machine.
  auto page = metricsPage(sampleSnapshot());
  uint64_t us = 1;
  for (int i = 0; i + 1 < LatencyHistogram::kBuckets; ++i, us *= 2) {
    std::ostringstream bound;
    bound.precision(9);
    bound << static_cast<double>(us) / 1e6;
    EXPECT_NE(page.find("cambium_sync_duration_seconds_bucket{le=\"" + bound.str() + "\"}"), std::string::npos)
        << bound.str();
  }
}

TEST(MetricsPageTest, WhatIsNotKnownIsLeftOut) {
  MetricsSnapshot snapshot;
  snapshot.version = kj::str("1");
  auto page = metricsPage(snapshot);
  EXPECT_TRUE(has(page, "cambium_ready 0"));
  EXPECT_TRUE(has(page, "cambium_build_info{version=\"1\",cluster_id=\"\"} 1"));
  for (auto* absent : {"cambium_appends_total", "cambium_partitions", "cambium_topic", "cambium_storage",
                       "cambium_loop", "cambium_connections"}) {
    EXPECT_EQ(page.find(absent), std::string::npos) << absent;
  }
}

TEST(MetricsPageTest, LabelsAreEscaped) {
  MetricsSnapshot snapshot;
  snapshot.topics.add(TopicSeries::Row{kj::str("a\"b\\c\nd"), {}});
  auto page = metricsPage(snapshot);
  EXPECT_TRUE(has(page, "cambium_topic_reads_total{topic=\"a\\\"b\\\\c\\nd\"} 0")) << page;
}

TEST(MetricsPageTest, EveryFamilyHasHelpAndCountersSayTotal) {
  std::istringstream lines(metricsPage(sampleSnapshot()));
  std::string line, helped;
  int families = 0;
  while (std::getline(lines, line)) {
    if (line.starts_with("# HELP ")) {
      helped = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_GT(line.size(), 7 + helped.size() + 1) << line;
    } else if (line.starts_with("# TYPE ")) {
      ++families;
      EXPECT_TRUE(line.starts_with("# TYPE " + helped + " ")) << line;
      EXPECT_TRUE(helped.starts_with("cambium_")) << line;
      EXPECT_EQ(line.ends_with(" counter"), helped.ends_with("_total")) << line;
    }
  }
  EXPECT_EQ(families, 56);
}

}  // namespace
}  // namespace cambium
