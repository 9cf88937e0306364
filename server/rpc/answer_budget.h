#pragma once

#include <list>

#include <kj/async.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/quantity.h"

namespace cambium {

// How many bytes of records one connection may hold that its client has not taken. Cap'n Proto limits the parameters of
// calls under way, but an answer waits in memory until the socket has room for it. So who reads for an answer (or a
// push) first gets a share here, and says what became of it; further reads wait, in order, until the stream below has
// written enough.
//
// The stream's bytes count as a whole, what is around the records too: the budget is exact when the stream has caught
// up, and never holds anybody up who has a client that reads. One loop.
class AnswerBudget final : public StreamObserver {
 public:
  explicit AnswerBudget(Bytes limit) : limit_(limit.value()) {}
  ~AnswerBudget() noexcept(false) = default;  // no share and no wait may be left
  KJ_DISALLOW_COPY(AnswerBudget);

  // Bytes that are about to be read. Given back when it goes.
  class Share {
   public:
    Share(AnswerBudget& owner, uint64_t bytes) : owner_(&owner), bytes_(bytes) { owner.reserved_ += bytes; }
    Share(Share&& other) noexcept : owner_(other.owner_), bytes_(other.bytes_) { other.owner_ = nullptr; }
    ~Share() noexcept(false) { release(); }
    KJ_DISALLOW_COPY(Share);

    // They are in a message now, `size` of them.
    void answered(uint64_t size);

   private:
    void release();

    AnswerBudget* owner_;
    uint64_t bytes_;
  };

  // Done when there is room for `size`; for what is larger than the limit, when nothing is waiting to be written.
  // Dropping the promise gives up the place in the queue.
  kj::Promise<Share> share(Bytes size);

  // The same without a wait, past whoever waits: null when there is no room. For nothing there always is.
  kj::Maybe<Share> trySharing(Bytes size);

  // What is reserved or not yet written.
  uint64_t outstanding() const { return reserved_ + (produced_ > written_ ? produced_ - written_ : 0); }

  void writing() override { busy_ = true; }
  void wrote(size_t bytes) override;

 private:
  class Waiter;

  bool fits(uint64_t size) const { return outstanding() == 0 || outstanding() + size <= limit_; }
  void admit();

  const uint64_t limit_;
  uint64_t reserved_ = 0;
  uint64_t produced_ = 0;  // the position in the stream's bytes where all answers so far are written
  uint64_t written_ = 0;
  bool busy_ = false;  // the stream is writing
  std::list<Waiter*> waiting_;
  kj::Promise<void> settling_ = nullptr;
  bool settles_ = false;
};

}  // namespace cambium
