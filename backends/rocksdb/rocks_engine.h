#pragma once

#include <kj/string.h>

#include "engine/storage/storage_engine.h"

namespace cambium {

// How a RocksDB store is kept; see rocks_engine.cc and README.md for the layout.
struct RocksOptions {
  // A bucket (column family) takes the batches of all logs until it holds this much …
  Bytes bucketBytes = mebibytes(512);
  // … or until its batches, by their max timestamps, span this much time and it holds at least a sixteenth of
  // bucketBytes.
  int64_t bucketMs = 24LL * 3600 * 1000;
  // Above half of this number of buckets, both spans grow: they double with every twentieth part more. At 100 buckets
  // of 512 MiB that is some 5 TB.
  uint32_t bucketsMax = 100;
  // Table files held open at a time; at least 32.
  size_t openFilesMax = 512;
  // Memory before a family's rows go to a file, and how many such memories may wait; only the open bucket fills them.
  Bytes memtableBytes = mebibytes(32);
  uint32_t memtablesMax = 6;
  // Write-ahead log kept at most, about: what is read again after a crash.
  Bytes walBytesMax = mebibytes(256);
  // Cache for blocks of index rows and tables; batches do not go through it.
  Bytes cacheBytes = mebibytes(8);
  // With less free than this on the device, a store is opened without writing the files that its write-ahead log would
  // fill; they are written once there is room.
  Bytes tightBytes = mebibytes(512);
  // Opens a store whose write-ahead log is damaged in the middle with what lies before the damage, instead of refusing.
  // Loses what lies behind it: for an operator who has decided so.
  bool stopAtDamage = false;
};

// Opens the store in folder `path`, made with its parents when missing, and recovers it. Throws FAILED when another
// process has it open, when it is damaged before the last write, or when a newer version wrote it.
//
// Meaning of LogOptions here: segmentBytes and segmentMs bound an extent, but a new bucket begins one as well;
// indexIntervalBytes and indexBytesMax have no meaning, since every batch has an index row.
kj::Own<StorageEngine> openRocksEngine(kj::StringPtr path, RocksOptions options = {}, EngineOptions engineOptions = {});

}  // namespace cambium
