#pragma once

#include <atomic>
#include <list>

#include <capnp/message.h>
#include <kj/map.h>

#include "engine/base/light_promise.h"
#include "engine/base/wait_list.h"

namespace cambium {

// How much of the broker's memory clients may keep by calls that they do not finish and capabilities that they do not
// release. Each costs some 4 KiB.
struct CallLimits {
  size_t callsMax = 32'768;  // unfinished, per connection; at half as many without an answer it is read no further
  size_t capabilitiesMax = 32'768;  // per connection
  size_t heldMax = 131'072;         // both together, of all connections of a loop
};

// Of all loops, for metrics.
struct CallCounts {
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> capabilities{0};
  std::atomic<uint64_t> connectionsClosed{0};  // for holding too much
};

class CallLedger;

// The ledgers of all connections of a loop.
class CallLedgers final {
 public:
  // `counts` outlives it, and it outlives its ledgers.
  CallLedgers(CallLimits limits, CallCounts& counts) : limits_(limits), counts_(counts) {}
  KJ_DISALLOW_COPY(CallLedgers);

 private:
  friend class CallLedger;

  const CallLimits limits_;
  CallCounts& counts_;
  std::list<CallLedger*> all_;
  size_t held_ = 0;  // without those that are to be closed
};

// What one connection keeps in the broker, known from the messages that pass (rpc.capnp): a call (or a bootstrap) costs
// memory until its answer is written and the client has finished it, whatever the client reads or not. A capability
// costs memory until the client has released it.
//
// A client that passes a limit is told the reason and cut off. When all connections of the loop together pass theirs,
// the one that holds most is. One loop.
class CallLedger final {
 public:
  explicit CallLedger(CallLedgers& all);
  ~CallLedger() noexcept(false);
  KJ_DISALLOW_COPY(CallLedger);

  // A message of the client. Throws OVERLOADED, with a reason for the client, when it may not hold so much.
  void received(capnp::MessageReader& message);
  // A message to the client is being written.
  void sent(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments);
  // `standing`: it works for the client between calls as well.
  void capabilityMade(bool standing);
  void capabilityGone(bool standing);

  // So much is unanswered that nothing more should be read now.
  bool isPressed() const { return unanswered() >= all_.limits_.callsMax / 2; }
  // Done when something more was sent.
  kj::Promise<void> whenSent() { return sent_.wait(); }
  // Done with the reason when the connection has to be closed because it holds too much. Once.
  kj::Promise<kj::String> whenCondemned();

  // Nothing is under way for the client.
  bool isIdle() const { return unanswered() == 0 && standing_ == 0; }
  uint64_t requests() const { return requests_; }
  size_t unanswered() const { return calls_.size() - answered_ + echoes_; }
  size_t unfinished() const { return calls_.size() + echoes_; }
  size_t capabilities() const { return capabilities_; }

 private:
  enum class State { kOpen, kAnswered, kFinished };

  size_t held() const { return unfinished() + capabilities_; }
  void count(int64_t calls, int64_t capabilities);
  void begin(uint32_t id);
  void echoed();
  void end(uint32_t id, State half);
  void checkLimits();
  void condemn(kj::String reason);

  CallLedgers& all_;
  std::list<CallLedger*>::iterator position_;
  kj::HashMap<uint32_t, State> calls_;  // by the client's question id
  size_t answered_ = 0;                 // of calls_
  size_t callsMost_ = 0;                // since the table was last given back
  size_t echoes_ = 0;                   // other messages that we have to answer
  size_t capabilities_ = 0;
  size_t standing_ = 0;
  uint64_t requests_ = 0;
  WaitList sent_;
  bool condemned_ = false;
  kj::String whyCondemned_;
  LightFulfiller condemnation_;
};

}  // namespace cambium
