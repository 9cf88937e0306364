#pragma once

#include <string>
#include <vector>

#include "backends/native/disk_file_system.h"
#include "engine/record/batch_builder.h"
#include "engine/storage/storage_engine.h"
#include "tests/support/temporary_folder.h"
#include "tools/inspect/inspect.h"

namespace cambium::tools {

// A batch of `records` records "key-<n>", "value-<n>", stamped with `base`; record n has timestamp `firstTimestamp` +
// n.
kj::Array<kj::byte> recordBatch(Offset base, int records, TimestampMs firstTimestamp, Codec codec = Codec::kNone);

// The same, ten records that no consumer can read: compressed, and the last bytes are missing. The checksum is right.
kj::Array<kj::byte> unreadableBatch(Offset base, TimestampMs firstTimestamp);

// Appends `count` batches of ten records each, 1000 ms apart, behind what the log holds; every second one compressed.
void appendBatches(PartitionLog& log, int count);

// Closes what a log holds, which becomes one extent: of ten batches the first three become an empty one, the rest
// stays.
void compact(PartitionLog& log);

// Fixed identifiers: the same documents each time.
Uuid topicId(uint8_t number);

// Writes the rows that a broker writes for a topic, and one committed offset. `otherEngine`: where a move has left, or
// is making, a second log of each partition.
void commitTopic(StorageEngine& engine, kj::StringPtr name, const Uuid& id, int partitions, kj::StringPtr engineName,
                 kj::StringPtr otherEngine = nullptr);
void commitOffset(StorageEngine& engine, kj::StringPtr group, kj::StringPtr topic, int32_t partition, Offset offset);

// What an inspection printed and answered.
struct Outcome {
  int code;
  std::string out;
  std::string errors;
};
Outcome look(InspectOptions options);
// With --verify, at a path.
Outcome verify(kj::StringPtr path);

// Flips the lowest bit of a byte of a file.
void flip(kj::StringPtr path, uint64_t position);
uint64_t fileSize(kj::StringPtr path);
std::string contents(kj::StringPtr path);
// Every file below a folder, with its size, time of change and checksum: equal when nothing was touched.
std::vector<std::string> fingerprint(kj::StringPtr folder);

// A data directory with a native store of two logs of several segments, tables, and properties.
class NativeStore {
 public:
  NativeStore();
  kj::StringPtr path() const { return folder_.path(); }
  kj::String path(kj::StringPtr name) const { return folder_.path(name); }

  StorageEngine& engine() { return *engine_; }
  // Opens "words-<partition>", with small segments.
  kj::Own<PartitionLog> open(int partition);
  // Fills two partitions and the tables.
  void fill();
  void closeCleanly();
  // As a killed broker leaves it.
  void kill();

 private:
  TemporaryFolder folder_;
  DiskFileSystem files_;
  kj::Own<StorageEngine> engine_;
};

}  // namespace cambium::tools
