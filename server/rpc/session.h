#pragma once

#include <capnp/any.h>
#include <capnp/blob.h>
#include <kj/refcount.h>

#include "engine/base/log_limiter.h"
#include "engine/broker/local_broker.h"
#include "server/rpc/answer_budget.h"
#include "server/rpc/call_ledger.h"

namespace cambium {

// Limits of what one client may ask for at once.
struct RpcLimits {
  Bytes readBytesMax = mebibytes(16);       // of one read or push
  int64_t waitMsMax = 5 * 60 * 1000;        // of one long poll
  Bytes requestBytesMax = mebibytes(512);   // of all requests that are being received or served, per loop; half is
                                            // for large ones
  Bytes largeRequestBytes = mebibytes(1);   // a request beyond this is a large one
  int64_t requestStepMsMax = 30 * 1000;     // for each further part of a request that has begun
  Bytes callBytesMax = mebibytes(32);       // parameters of unfinished calls, per connection
  Bytes unsentBytesMax = mebibytes(32);     // records read that the client has not taken yet, per connection
  int64_t pressedUntakenMsMax = 15 * 1000;  // a client that takes no answer for so long while others wait for its room
  int sendBufferBytes = 1 << 20;            // SO_SNDBUF: what a slow consumer can hold in the system
  unsigned connectionsMax = 10'000;         // per loop
  CallLimits calls;
  // Entries of a list in one request. A list of empty structs has a few bytes on the wire, whatever its length.
  unsigned listEntriesMax = 10'000;          // offsets, partitions, configs
  unsigned recordsPerAppendMax = 1'000'000;  // records, and their headers in all
};

// kInvalidRequest for a list of more than `most` entries; to be asked before any of them is looked at.
inline Result<void> checkListSize(kj::StringPtr what, uint64_t size, uint64_t most) {
  if (size <= most) return Result<void>();
  return makeError(ErrorCode::kInvalidRequest, "a request has ", size, " ", what, ", at most ", most,
                   " are allowed; send several requests");
}

// Size hint for results of a few words, or an error's text. Without one each answer takes a segment of 8 KiB, and
// clears it.
inline constexpr capnp::MessageSize kSmallResults{32, 1};

// Counts what is under way on one loop (appends and changes; sessions), so that a stop can wait for its end.
class WorkInFlight final : private kj::TaskSet::ErrorHandler {
 public:
  WorkInFlight() = default;
  KJ_DISALLOW_COPY(WorkInFlight);

  class Lease {
   public:
    explicit Lease(WorkInFlight& owner) : owner_(owner) { ++owner_.count_; }
    ~Lease() noexcept(false) { owner_.release(); }
    KJ_DISALLOW_COPY(Lease);

   private:
    WorkInFlight& owner_;
  };

  // Counted to its end, whether or not there still is the connection that began it.
  void add(kj::Promise<void> work) { tasks_.add(work.attach(kj::heap<Lease>(*this))); }

  // Done when nothing is under way. One caller at a time.
  kj::Promise<void> whenIdle() {
    if (count_ == 0) return kj::READY_NOW;
    auto paf = kj::newPromiseAndFulfiller<void>();
    idle_ = kj::mv(paf.fulfiller);
    return kj::mv(paf.promise);
  }

 private:
  void release() {
    if (--count_ > 0) return;
    KJ_IF_MAYBE(idle, idle_) (*idle)->fulfill();
    idle_ = nullptr;
  }
  void taskFailed(kj::Exception&& exception) override { KJ_LOG(WARNING, "work without a caller", exception); }

  size_t count_ = 0;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> idle_;
  kj::TaskSet tasks_{*this};
};

// The bytes of a request, to be stamped where they lie. A message that was received belongs to its receiver, in memory
// that is not constant; Cap'n Proto only hands it out so because most receivers just read.
inline kj::ArrayPtr<kj::byte> bytesInPlace(capnp::Data::Reader data) {
  return kj::arrayPtr(const_cast<kj::byte*>(data.begin()), data.size());
}

// What was read for an answer, with its share of what the connection may hold.
struct BudgetedRead {
  Result<ReadOutcome> outcome;
  AnswerBudget::Share share;
};

// What the capabilities of one connection share. Refcounted, because calls that are not cancelled outlive the
// connection: as long as one runs, the session is there, and what it refers to must be.
class Session final : public kj::Refcounted, private kj::TaskSet::ErrorHandler {
 public:
  // `clientHost`: "/127.0.0.1", as Kafka writes it. `ledgers` are those of the loop.
  Session(LocalBroker& broker, const RpcLimits& limits, WorkInFlight& work, WorkInFlight& sessions,
          SharedBudget& allAnswers, CallLedgers& ledgers, LogLimiter& log, kj::String clientHost)
      : broker(broker),
        limits(limits),
        work(work),
        clientHost(kj::mv(clientHost)),
        answers(limits.unsentBytesMax, allAnswers, this->clientHost),
        calls(ledgers),
        log(log),
        alive_(sessions),
        background_(*this) {}

  LocalBroker& broker;
  const RpcLimits& limits;
  WorkInFlight& work;
  const kj::String clientHost;
  AnswerBudget answers;
  CallLedger calls;
  LogLimiter& log;

  // LocalBroker::read() when the client has taken enough of what was read before. Dropping the promise ends the wait.
  kj::Promise<BudgetedRead> read(PartitionKey key, ReadWish wish);

  // Work that nobody waits for: appends with acks=none.
  void runInBackground(kj::Promise<void> task) { background_.add(kj::mv(task)); }

 private:
  void taskFailed(kj::Exception&& exception) override {
    log.warn("an append that nobody waits for failed", clientHost, ", ", exception.getDescription());
  }

  WorkInFlight::Lease alive_;
  kj::TaskSet background_;
};

// A capability's hold on its session: as long as there is one, the session is there, and the capability counts among
// those that the client keeps.
class SessionHold {
 public:
  enum Use {
    kOnCall,    // it works when it is called
    kStanding,  // it works for the client between calls as well: the connection is in use as long as there is one
  };

  SessionHold(kj::Own<Session> session, Use use = kOnCall) : session_(kj::mv(session)), use_(use) {
    session_->calls.capabilityMade(use_ == kStanding);
  }
  ~SessionHold() noexcept(false) { session_->calls.capabilityGone(use_ == kStanding); }
  KJ_DISALLOW_COPY(SessionHold);

  Session* operator->() { return session_.get(); }
  const Session* operator->() const { return session_.get(); }
  Session& operator*() { return *session_; }

 private:
  kj::Own<Session> session_;
  const Use use_;
};

}  // namespace cambium
