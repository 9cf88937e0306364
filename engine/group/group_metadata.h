#pragma once

#include <string>

#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium {

// What of a group outlives a restart: the fields of Kafka's GroupMetadataValue (GroupMetadataValue.json), version 3.
struct GroupMetadata {
  struct Member {
    std::string member;
    kj::Maybe<std::string> instance{};
    std::string clientId;
    std::string clientHost;
    int32_t rebalanceTimeoutMs;
    int32_t sessionTimeoutMs;
    kj::Array<const kj::byte> subscription;  // its metadata for the protocol in use
    kj::Array<const kj::byte> assignment;
  };

  std::string protocolType;  // empty: of no type yet
  int32_t generation = 0;
  kj::Maybe<std::string> protocol{};  // null in an empty group
  kj::Maybe<std::string> leader{};    // null in an empty group
  TimestampMs currentStateTimestamp = kNoTimestamp;
  kj::Vector<Member> members{};
};

}  // namespace cambium
