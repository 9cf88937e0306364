#pragma once

#include <list>
#include <unordered_map>

#include <kj/async-io.h>
#include <kj/function.h>
#include <kj/timer.h>

#include "engine/base/light_promise.h"
#include "engine/base/log_limiter.h"
#include "engine/base/wait_list.h"
#include "server/door/door_counts.h"

namespace cambium {

// A connection as its listener sees it.
class Guest {
 public:
  // True while nothing is under way for the client: it may then be closed to make room for another one.
  virtual bool isIdle() const = 0;
  // Grows with every request: whoever has made one lately is not closed before those who have not.
  virtual uint64_t requests() const = 0;

 protected:
  ~Guest() noexcept(false) = default;
};

struct ListenerLimits {
  size_t connectionsMax;
  // Beyond connectionsMax so many more are let in, as reserved ones, while none is idle; what is beyond these, too, is
  // refused. 0: it waits until somebody leaves.
  size_t reserve = 0;
  int sendBufferBytes = 0;  // SO_SNDBUF; 0: as the system has it
};

// Accepts the connections of one door on one loop and keeps them. When there are too many of them, or too many of the
// same client address, it closes an idle one, of the address that has most: one that never made a request, else the one
// that has been idle longest. When none is idle, a client over its address's share is refused, and one over the door's
// limit waits.
class Listener final {
 public:
  // A connection's place among those that are open, for as long as it is served.
  class Place {
   public:
    Place(SocketAddress peer, DoorCounts::Entry entry, bool reserved)
        : peer_(kj::mv(peer)), entry_(kj::mv(entry)), reserved_(reserved) {}
    KJ_DISALLOW_COPY(Place);

    // From now on the connection may be closed when it is idle. The guest lives as long as the place is served.
    void settle(Guest& guest) { guest_ = guest; }
    const SocketAddress& peer() const { return peer_; }
    bool isReserved() const { return reserved_; }

   private:
    friend class Listener;

    SocketAddress peer_;
    DoorCounts::Entry entry_;
    bool reserved_;
    kj::Maybe<Guest&> guest_;
    uint64_t requestsSeen_ = 0;  // when it was last passed over
    uint64_t queuedAt_ = 0;
    bool closing_ = false;
    std::list<Place*>::iterator position_;
    LightFulfiller close_;
  };
  // Serves one connection; done when it is to be closed. Dropping the promise closes it at once.
  using Serve = kj::Function<kj::Promise<void>(kj::Own<kj::AsyncIoStream> stream, Place& place)>;

  // `door` names the door in the log: "Kafka". `counts`, `log` and `timer` outlive the listener.
  Listener(kj::StringPtr door, ListenerLimits limits, DoorCounts& counts, LogLimiter& log, kj::Timer& timer,
           Serve serve);
  ~Listener() noexcept(false);
  KJ_DISALLOW_COPY(Listener);

  // Lets clients in until stop(). Accepting goes on after failures (while there are no file descriptors left, say).
  void listen(kj::Own<kj::ConnectionReceiver> receiver);
  // Takes nobody in any more. Connections that are open stay.
  void stop() { accepting_ = nullptr; }
  // Closes everybody at once.
  void cut();
  size_t open() const { return open_; }

 private:
  class TaskErrors final : public kj::TaskSet::ErrorHandler {
   public:
    explicit TaskErrors(Listener& owner) : owner_(owner) {}
    void taskFailed(kj::Exception&& exception) override;

   private:
    Listener& owner_;
  };
  using Queue = std::list<Place*>;

  kj::Promise<void> accept(kj::Own<kj::ConnectionReceiver> receiver);
  kj::Promise<void> receive(kj::Own<kj::AsyncIoStream> stream);
  void prepare(kj::AsyncIoStream& stream);
  void takeIn(kj::Own<kj::AsyncIoStream> stream, SocketAddress peer, DoorCounts::Entry entry);
  // True: an idle connection was asked to go.
  bool closeIdle();
  bool closeIdleOf(Queue& queue);
  void close(Place& place);
  void delist(Place& place);
  void leave(Place& place);

  const kj::StringPtr door_;
  const ListenerLimits limits_;
  DoorCounts& counts_;
  LogLimiter& log_;
  kj::Timer& timer_;
  Serve serve_;
  size_t open_ = 0;
  size_t closing_ = 0;  // of those that are open
  uint64_t queuedLast_ = 0;
  std::unordered_map<uint64_t, Queue> byClient_;  // longest idle first; without those that are asked to go
  WaitList someoneLeft_;
  TaskErrors taskErrors_{*this};
  kj::Maybe<kj::TaskSet> connections_;
  kj::Maybe<kj::TaskSet> accepting_;
};

}  // namespace cambium
