#pragma once

#include <map>

#include <kj/async.h>

namespace cambium {

// Promises that wait until a growing position (an offset, a revision) reaches a mark. Dropping a promise takes it off.
// One loop.
template <class Position>
class PositionWaiters {
 public:
  PositionWaiters() = default;
  ~PositionWaiters() noexcept(false) { releaseAll(); }
  KJ_DISALLOW_COPY(PositionWaiters);

  // Done when reach() is called with `position` or more, or releaseAll().
  kj::Promise<void> wait(Position position) { return kj::newAdaptedPromise<void, Entry>(*this, position); }
  void reach(Position mark) {
    while (!waiting_.empty() && waiting_.begin()->first <= mark)
      releaseFirst();
  }
  // Lets everybody go on; who waited looks for itself what happened.
  void releaseAll() {
    while (!waiting_.empty())
      releaseFirst();
  }
  size_t size() const { return waiting_.size(); }

 private:
  class Entry;
  using Map = std::multimap<Position, Entry*>;

  // The adapter behind one promise: it knows its place in the map for as long as the map knows it.
  class Entry {
   public:
    Entry(kj::PromiseFulfiller<void>& fulfiller, PositionWaiters& owner, Position position)
        : fulfiller_(fulfiller), owner_(&owner), place_(owner.waiting_.emplace(position, this)) {}
    ~Entry() noexcept(false) {
      if (owner_ != nullptr) owner_->waiting_.erase(place_);
    }
    KJ_DISALLOW_COPY(Entry);

    void release() {
      owner_ = nullptr;
      fulfiller_.fulfill();
    }

   private:
    kj::PromiseFulfiller<void>& fulfiller_;
    PositionWaiters* owner_;
    typename Map::iterator place_;
  };

  void releaseFirst() {
    Entry* entry = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    entry->release();
  }

  Map waiting_;
};

}  // namespace cambium
