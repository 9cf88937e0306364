#include "backends/rocksdb/family_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace cambium::rocks {

namespace {

// Triggers that never come: a store that only appends must not be slowed down for want of compactions nobody needs.
constexpr int kNever = 1 << 30;

rocksdb::BlockBasedTableOptions tableOptions() {
  rocksdb::BlockBasedTableOptions table;
  // The library's CRC-32C is slow without our replacement, see hardware_crc32c.cc; XXH3 is fast anywhere.
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  return table;
}

}  // namespace

rocksdb::DBOptions databaseOptions(const RocksOptions& options, rocksdb::Env* env) {
  rocksdb::DBOptions db;
  db.env = env;
  db.create_if_missing = true;
  db.paranoid_checks = true;
  // A torn record at the very end of a log file is what a crash leaves and is cut; any other damage refuses to open.
  // The library's default, "point in time", would silently give up everything behind damage in the middle, synced or
  // not.
  db.wal_recovery_mode = options.stopAtDamage ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                              : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A log file that was synced and is now missing or shorter is damage as well.
  db.track_and_verify_wals_in_manifest = !options.stopAtDamage;
  db.max_total_wal_size = options.walBytesMax.value();
  // Spreads writing back over time. Not of the write-ahead log: a full device may answer to that when a record is whole
  // in the file, and the library would refuse a write that comes back after a crash.
  db.bytes_per_sync = 1 << 20;
  // Checksummed reads straight from the page cache: 1.4 times the throughput of pread, and no copy into a block.
  db.allow_mmap_reads = true;
  db.max_open_files = static_cast<int>(options.openFilesMax);
  // One flush cannot keep up with appends at full speed and the library would then delay them by milliseconds.
  db.max_background_flushes = 2;
  db.max_background_compactions = 1;
  db.avoid_flush_during_shutdown = true;
  db.manifest_preallocation_size = 64 << 10;
  db.skip_stats_update_on_db_open = true;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.max_log_file_size = 1 << 20;
  db.keep_log_file_num = 2;
  return db;
}

rocksdb::ColumnFamilyOptions bucketOptions(const RocksOptions& options) {
  rocksdb::BlockBasedTableOptions table = tableOptions();
  // The page cache holds the data already.
  table.no_block_cache = true;
  table.block_size = 16 << 10;
  // Finds the one file among a bucket's that has a key, without reading the others.
  table.filter_policy.reset(rocksdb::NewRibbonFilterPolicy(10));
  table.whole_key_filtering = true;

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = options.memtableBytes.value();
  family.max_write_buffer_number = static_cast<int>(options.memtablesMax);
  // Clients compress batches already.
  family.compression = rocksdb::kNoCompression;
  family.disable_auto_compactions = true;
  family.level0_slowdown_writes_trigger = kNever;
  family.level0_stop_writes_trigger = kNever;
  family.soft_pending_compaction_bytes_limit = 0;
  family.hard_pending_compaction_bytes_limit = 0;
  return family;
}

rocksdb::ColumnFamilyOptions rowOptions(const RocksOptions& options, std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table = tableOptions();
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewRibbonFilterPolicy(10));

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = kj::min(options.memtableBytes.value(), size_t{8} << 20);
  family.max_write_buffer_number = 4;
  family.compression = rocksdb::kNoCompression;
  family.target_file_size_base = 16 << 20;
  family.level0_slowdown_writes_trigger = 40;
  family.level0_stop_writes_trigger = 80;
  return family;
}

}  // namespace cambium::rocks
