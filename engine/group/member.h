#pragma once

#include <string>

#include <kj/vector.h>

#include "engine/base/clock.h"
#include "engine/group/group_actions.h"

namespace cambium {

// A member of a group, with what it waits for.
struct Member {
  std::string id;
  kj::Maybe<std::string> instance{};
  std::string clientId;
  std::string clientHost;
  int32_t rebalanceTimeoutMs;
  int32_t sessionTimeoutMs;
  kj::Vector<GroupProtocol> protocols{};  // distinct names, best first
  kj::Array<const kj::byte> assignment{};

  size_t countedBytes = 0;  // by MemberTable::bytes()

  SteadyMs sessionEnds{};
  bool isNew = false;   // in its first join: it may not know its id yet and sends no heartbeats
  bool joined = false;  // has asked to be in the next generation
  kj::Maybe<Ticket> joinTicket{};
  kj::Maybe<Ticket> syncTicket{};

  // Empty when the member does not offer `protocol`.
  ByteView metadata(const std::string& protocol) const;
  // Whether these are its protocols, byte by byte and in the same order.
  bool offersExactly(const kj::Vector<GroupProtocol>& others) const;
  // A member that waits for an answer lives as long as the connection does, even past the end of its session; a new one
  // does not: its connection may be gone unnoticed, and its retries would pile up.
  bool mayExpire() const { return isNew || (joinTicket == nullptr && syncTicket == nullptr); }
};

// The client id or instance id, "-" and a random UUID in its usual form of 36 characters, as Kafka makes member ids.
std::string makeMemberId(const std::string& prefix, const Entropy& entropy);

// Copies, for what has no copy of its own.
kj::Array<const kj::byte> copyBytes(ByteView bytes);
kj::Maybe<std::string> copyText(const kj::Maybe<std::string>& text);

}  // namespace cambium
