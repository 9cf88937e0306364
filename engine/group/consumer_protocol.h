#pragma once

#include "engine/base/byte_cursor.h"
#include "engine/group/assignor.h"

// What the members of a group tell each other through the coordinator, in the formats of Kafka's consumers
// (ConsumerProtocolSubscription.json, ConsumerProtocolAssignment.json; KIP-429, KIP-792), so that one decoder reads the
// groups of all clients:
//
//     subscription   version int16, topics [string], user data (nullable bytes),
//                    owned [topic string, partitions [int32]] (from version 1), generation int32 (from version 2)
//     assignment     version int16, assigned [topic string, partitions [int32]], user data (nullable bytes)
//
// Strings have an int16 length, arrays and bytes an int32 one; -1 is null. Written are versions 2 and 1; later versions
// append fields, which are passed over.

namespace cambium {

// `subscriber.member` is not part of it.
kj::Array<kj::byte> encodeSubscription(const Subscriber& subscriber);
// Null when the bytes are no subscription.
kj::Maybe<Subscriber> decodeSubscription(std::string member, ByteView bytes);

kj::Array<kj::byte> encodeAssignment(kj::ArrayPtr<const GroupPartition> sortedPartitions);
// Sorted. Null when the bytes are no assignment; nothing at all is an empty one.
kj::Maybe<std::vector<GroupPartition>> decodeAssignment(ByteView bytes);

}  // namespace cambium
