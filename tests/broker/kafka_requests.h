#pragma once

#include "server/kafka/wire/all_messages.h"

namespace cambium::kafka {

// Requests of a consumer about one partition. `clientsEpoch` is the leader epoch that the client knows; -1: it says
// none.

// The offset of a time; of the latest record with -1, of the earliest with -2.
inline ListOffsetsRequest listOffsetsOf(kj::StringPtr topic, int32_t partition, int64_t timestamp,
                                        int32_t clientsEpoch = -1) {
  ListOffsetsRequest request;
  request.replicaId = -1;
  auto& wanted = request.topics.add();
  wanted.name = Text(kj::str(topic));
  wanted.partitions.add(ListOffsetsRequest::Topic::Partition{partition, clientsEpoch, timestamp});
  return request;
}

// Where a leader epoch ends.
inline OffsetForLeaderEpochRequest endOfEpochOf(kj::StringPtr topic, int32_t partition, int32_t epoch,
                                                int32_t clientsEpoch = -1) {
  OffsetForLeaderEpochRequest request;
  request.replicaId = -1;
  auto& wanted = request.topics.add();
  wanted.topic = Text(kj::str(topic));
  auto& one = wanted.partitions.add();
  one.partition = partition;
  one.currentLeaderEpoch = clientsEpoch;
  one.leaderEpoch = epoch;
  return request;
}

}  // namespace cambium::kafka
