#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "server/door/socket_address.h"

namespace cambium {

// The connections of one door on all its loops: counted for metrics, and bounded for each client address. Any thread.
class DoorCounts final {
 public:
  // `perAddressMax`: connections of one client address.
  explicit DoorCounts(size_t perAddressMax) : perAddressMax_(perAddressMax) {}
  KJ_DISALLOW_COPY(DoorCounts);

  // A connection that counts for its client address, until this goes.
  class Entry {
   public:
    Entry(DoorCounts& counts, uint64_t client) : counts_(&counts), client_(client), place_(counts.enter(client)) {}
    Entry(Entry&& other) noexcept : counts_(other.counts_), client_(other.client_), place_(other.place_) {
      other.counts_ = nullptr;
    }
    ~Entry() noexcept(false) {
      if (counts_ != nullptr) counts_->leave(client_);
    }
    KJ_DISALLOW_COPY(Entry);

    // The address had its share already when this one came.
    bool isTooMany() const { return place_ > counts_->perAddressMax_; }

   private:
    DoorCounts* counts_;
    uint64_t client_;
    size_t place_;
  };

  size_t perAddressMax() const { return perAddressMax_; }

  std::atomic<uint64_t> open{0};
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused{0};     // for a limit
  std::atomic<uint64_t> closedIdle{0};  // to make room for others
  std::atomic<uint64_t> fullLoops{0};   // on which a client waits for another one to leave, at this moment

 private:
  size_t enter(uint64_t client);
  void leave(uint64_t client);

  const size_t perAddressMax_;
  std::mutex mutex_;
  std::unordered_map<uint64_t, size_t> byClient_;
};

}  // namespace cambium
