#pragma once

#include <list>

#include <kj/async.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/quantity.h"
#include "engine/base/shared_budget.h"

namespace cambium {

// How many bytes of records one connection may hold that its client has not taken. Cap'n Proto limits the parameters of
// calls under way, but an answer waits in memory until the socket has room for it. So who reads for an answer (or a
// push) first gets a share here, and says what became of it; further reads wait, in order, until the stream below has
// written enough.
//
// The stream's bytes count as a whole, what is around the records too: the budget is exact when the stream has caught
// up, and never holds anybody up who has a client that reads. What is held counts in the broker's budget as well. One
// loop.
class AnswerBudget final : public StreamObserver {
 public:
  // `all` bounds what the connections of all loops and doors hold, and those of the address.
  AnswerBudget(Bytes limit, SharedBudget& all, kj::StringPtr address) : limit_(limit.value()), account_(all, address) {}
  ~AnswerBudget() noexcept(false) = default;  // no share and no wait may be left
  KJ_DISALLOW_COPY(AnswerBudget);

  // Bytes that are about to be read. Given back when it goes.
  class Share {
   public:
    Share(AnswerBudget& owner, uint64_t bytes) : owner_(&owner), bytes_(bytes) { owner.reserved_ += bytes; }
    Share(Share&& other) noexcept : owner_(other.owner_), bytes_(other.bytes_), lease_(kj::mv(other.lease_)) {
      other.owner_ = nullptr;
    }
    ~Share() noexcept(false) { release(); }
    KJ_DISALLOW_COPY(Share);

    // They are in a message now, `size` of them.
    void answered(uint64_t size);

   private:
    friend class AnswerBudget;
    void release();

    AnswerBudget* owner_;
    uint64_t bytes_;
    SharedBudget::Lease lease_;
  };

  // How much of `wish` to ask for, so that others find room as well.
  Bytes moderate(Bytes wish) { return account_.budget().moderate(account_, wish, kj::min(wish, kibibytes(256))); }

  // Done when there is room for `size`; for what is larger than the limit, when nothing is waiting to be written.
  // Dropping the promise gives up the place in the queue.
  kj::Promise<Share> share(Bytes size);

  // The same without a wait, past whoever waits: null when there is no room. For nothing there always is.
  kj::Maybe<Share> trySharing(Bytes size);

  // What is reserved or not yet written.
  uint64_t outstanding() const { return reserved_ + unsent(); }

  // To be asked now and then: the stream was writing an answer when this was last asked, the client has taken nothing
  // since, and others wait for room for theirs.
  bool isOverdue();

  void writing() override { busy_ = true; }
  void wrote(size_t bytes) override;

 private:
  class Waiter;

  bool fits(uint64_t size) const { return outstanding() == 0 || outstanding() + size <= limit_; }
  void admit();
  uint64_t unsent() const { return produced_ > written_ ? produced_ - written_ : 0; }
  kj::Promise<Share> ownShare(Bytes size);

  const uint64_t limit_;
  SharedBudget::Account account_;
  SharedBudget::Lease unsentLease_;
  uint64_t reserved_ = 0;
  uint64_t produced_ = 0;  // the position in the stream's bytes where all answers so far are written
  uint64_t written_ = 0;
  bool busy_ = false;                  // the stream is writing
  kj::Maybe<uint64_t> writtenBefore_;  // while it was writing when isOverdue() was last asked
  std::list<Waiter*> waiting_;
  kj::Promise<void> settling_ = nullptr;
  bool settles_ = false;
};

}  // namespace cambium
