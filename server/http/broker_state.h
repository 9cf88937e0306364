#pragma once

#include "engine/broker/shard.h"

namespace cambium {

struct BrokerIdentity {
  kj::StringPtr version;
  kj::StringPtr clusterId;  // empty until it is known
};

// The broker as the HTTP door sees it: it exists, and answers, before the broker serves. Used on the first loop. What
// was begun while the broker served goes on until the door is drained or destroyed, so one of these comes before the
// broker is stopped.
class BrokerState {
 public:
  virtual ~BrokerState() noexcept(false) = default;

  virtual BrokerIdentity identity() = 0;
  // Null while the broker serves; else what it is doing, for people: "opening partitions: 3 of 8 (37 %);
  // recovering: words-0: scanned 12 MiB".
  virtual kj::Maybe<kj::String> startingUp() = 0;

  // Null while clients may append and change topics; else the state, why, and what to do: "disk full: the device of …",
  // "read-only: the file system of …".
  virtual kj::Maybe<kj::String> whyRefusing() = 0;

  // --- Only while the broker serves
  // One per loop, in their order.
  virtual kj::Promise<kj::Vector<ShardReport>> reports() = 0;
  // Those that are open; they stay so until the door is drained or destroyed. May block, any thread.
  virtual kj::Vector<StorageEngine*> engines() = 0;
};

}  // namespace cambium
