#pragma once

#include <cstddef>
#include <cstdint>

namespace cambium {

// What a broker allows its groups. The first four are Kafka's group.min.session.timeout.ms and so on.
struct GroupConfig {
  int32_t minSessionTimeoutMs = 6'000;
  int32_t maxSessionTimeoutMs = 1'800'000;
  int32_t maxSize = 5'000;  // Kafka has no limit by default
  // How long the first rebalance of an empty group waits for more members; each that comes prolongs it by as much, up
  // to the rebalance timeout.
  int32_t initialRebalanceDelayMs = 3'000;

  // How long a member that joined without an id may wait in its first join: it has no id to send heartbeats with.
  int32_t newMemberJoinTimeoutMs = 300'000;

  // Bounds of what one group may make the broker hold.
  size_t pendingMembersMax = 10'000;     // ids given out that have not joined yet
  size_t protocolsPerJoinMax = 100;      // names that one member offers
  size_t protocolBytesMax = 1 << 20;     // names and metadata of one join
  size_t memberBytesMax = 12 << 20;      // ids, protocols and their metadata of all members
  size_t assignmentBytesMax = 16 << 20;  // all assignments of one sync; with the members in one record of the log
  size_t idBytesMax = 0x7fff - sizeof("-01234567-89ab-cdef-0123-456789abcdef");  // client ids and instance ids
};

}  // namespace cambium
