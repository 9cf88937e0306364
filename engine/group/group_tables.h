#pragma once

#include <map>
#include <string>

#include "engine/base/uuid.h"
#include "engine/group/group_messages.h"
#include "engine/storage/storage_engine.h"

// What the internal topic holds, materialised in tables of the state engine, so that a start reads only the end of the
// log:
//
//     offsets           encodeOffsetKey -> schema/metadata.capnp's OffsetRecord
//     groups            name of the group -> the value of its record (offset_records.h)
//     group_positions   partition of the internal topic (int32, big-endian) -> PositionRecord: up to where the rows of
//                       its groups say what the partition says

namespace cambium {

// The partition of the internal topic, out of `partitions`, that a group belongs to: as Kafka, from Java's hash of the
// name.
int32_t partitionOfGroup(kj::StringPtr group, int32_t partitions);

// Rows of the groups of one partition.
struct GroupRows {
  struct Position {
    Uuid topic;
    Offset upTo;
  };
  // Null: the rows may lack what the log has, or the other way round.
  kj::Maybe<Position> position;
  std::map<OffsetKey, CommittedOffset> offsets;
  std::map<std::string, kj::Array<const kj::byte>> groups;
};

// All rows, by partition; blocks. A row that makes no sense is logged, removed, and takes the positions with it. Throws
// when the tables cannot be read or, for that removal, written.
kj::Vector<GroupRows> readGroupRows(StorageEngine& engine, int32_t partitions);
// Whether there are committed offsets at all.
bool haveOffsetRows(StorageEngine& engine);

// Changes of rows that go together. May be handed to another thread as a whole.
class GroupRowChanges {
 public:
  // Null removes the row.
  void put(const OffsetKey& key, kj::Maybe<const CommittedOffset&> offset);
  void put(const std::string& group, kj::Maybe<ByteView> value);
  void put(int32_t partition, const GroupRows::Position& position);

  // All or nothing, durable on return; blocks. Throws as StorageEngine::commit does.
  void commitTo(StorageEngine& engine) const;

 private:
  struct Row {
    kj::StringPtr table;
    kj::Array<kj::byte> key;
    kj::Maybe<kj::Array<kj::byte>> value;
  };
  kj::Vector<Row> rows_;
};

}  // namespace cambium
