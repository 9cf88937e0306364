#pragma once

#include <kj/one-of.h>

#include "engine/group/group_messages.h"
#include "engine/group/group_metadata.h"

// Records of the internal topic __consumer_offsets, in Kafka's formats: the messages OffsetCommitKey,
// OffsetCommitValue, GroupMetadataKey and GroupMetadataValue of Kafka's group coordinator (common/message/*.json). Each
// key and each value begins with a version (int16); the version of the key says what kind of record it is:
//
//     0, 1   committed offset: group, topic, partition
//     2      group metadata: group
//
// A record without a value deletes its key. Written are key versions 1 and 2 and value version 3; values are read in
// versions 0 to 4, 4 being the flexible one.

namespace cambium {

// Everything that is not understood: newer kinds of records are passed over.
struct UnknownRecord {};

struct GroupRecordKey {
  std::string group;
};

using RecordKey = kj::OneOf<OffsetKey, GroupRecordKey, UnknownRecord>;

kj::Array<kj::byte> encodeOffsetRecordKey(const OffsetKey& key);
kj::Array<kj::byte> encodeOffsetRecordValue(const CommittedOffset& offset);
kj::Array<kj::byte> encodeGroupRecordKey(const std::string& group);
kj::Array<kj::byte> encodeGroupRecordValue(const GroupMetadata& group);

// Null when the bytes are damaged.
kj::Maybe<RecordKey> decodeRecordKey(ByteView bytes);
kj::Maybe<CommittedOffset> decodeOffsetRecordValue(ByteView bytes);
kj::Maybe<GroupMetadata> decodeGroupRecordValue(ByteView bytes);

}  // namespace cambium
