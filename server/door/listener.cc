#include "server/door/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

// Until the next attempt after one that failed, and between looks for somebody who has become idle.
constexpr kj::Duration kPause = 100 * kj::MILLISECONDS;
// Connections that are looked at, at most, to find an idle one: accepting costs the same however many there are.
constexpr size_t kLooksMax = 128;
// A peer that vanished without a word is noticed after two minutes of silence and three tries.
constexpr int kProbeAfterSeconds = 120;
constexpr int kProbeEverySeconds = 15;
constexpr int kProbes = 3;

void setOption(kj::AsyncIoStream& stream, int level, int option, int value) {
  stream.setsockopt(level, option, &value, sizeof(value));
}

}  // namespace

Listener::Listener(kj::StringPtr door, ListenerLimits limits, DoorCounts& counts, LogLimiter& log, kj::Timer& timer,
                   Serve serve)
    : door_(door), limits_(limits), counts_(counts), log_(log), timer_(timer), serve_(kj::mv(serve)) {
  connections_.emplace(taskErrors_);
  accepting_.emplace(taskErrors_);
}

Listener::~Listener() noexcept(false) {
  stop();
  cut();
}

void Listener::TaskErrors::taskFailed(kj::Exception&& exception) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return;
  owner_.log_.warn("a connection is closed", owner_.door_, ", ", exception.getDescription());
}

void Listener::listen(kj::Own<kj::ConnectionReceiver> receiver) {
  KJ_IF_MAYBE(tasks, accepting_) tasks->add(accept(kj::mv(receiver)));
}

void Listener::cut() {
  connections_ = nullptr;
}

kj::Promise<void> Listener::accept(kj::Own<kj::ConnectionReceiver> receiver) {
  for (;;) {
    kj::Maybe<kj::Own<kj::AsyncIoStream>> accepted;
    try {
      accepted = co_await receiver->accept();
    } catch (const kj::Exception& e) {
      log_.warn("a connection could not be accepted; trying on", door_, ", ", e.getDescription());
    }
    KJ_IF_MAYBE(stream, accepted) {
      co_await receive(kj::mv(*stream));
    } else {
      // Out of descriptors, most likely: wait for some to come back.
      co_await timer_.afterDelay(kPause);
    }
  }
}

kj::Promise<void> Listener::receive(kj::Own<kj::AsyncIoStream> stream) {
  SocketAddress peer;
  try {
    peer = peerOf(*stream);
    prepare(*stream);
  } catch (const kj::Exception& e) {
    co_return;  // it has gone already
  }
  DoorCounts::Entry entry(counts_, peer.client);
  auto ofPeer = byClient_.find(peer.client);
  if (entry.isTooMany() && (ofPeer == byClient_.end() || !closeIdleOf(ofPeer->second))) {
    ++counts_.refused;
    log_.warn("a connection is refused, its address has as many as it may have", door_, ", ", peer.host, ", at most ",
              counts_.perAddressMax(), " (--connections_per_address_max)");
    co_return;
  }
  while (open_ >= limits_.connectionsMax) {
    bool somebodyGoes = open_ - closing_ < limits_.connectionsMax || closeIdle();
    if (!somebodyGoes && limits_.reserve > 0) {
      if (open_ < limits_.connectionsMax + limits_.reserve) break;
      ++counts_.refused;
      log_.warn("a connection is refused, the door is full", door_, ", ", peer.host);
      co_return;
    }
    counts_.fullLoops += somebodyGoes ? 0 : 1;
    KJ_DEFER(counts_.fullLoops -= somebodyGoes ? 0 : 1);
    co_await someoneLeft_.wait().exclusiveJoin(timer_.afterDelay(kPause));
  }
  takeIn(kj::mv(stream), kj::mv(peer), kj::mv(entry));
}

void Listener::prepare(kj::AsyncIoStream& stream) {
  if (stream.getFd() == nullptr) return;
  if (limits_.sendBufferBytes > 0) setOption(stream, SOL_SOCKET, SO_SNDBUF, limits_.sendBufferBytes);
  setOption(stream, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(stream, IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfterSeconds);
  setOption(stream, IPPROTO_TCP, TCP_KEEPINTVL, kProbeEverySeconds);
  setOption(stream, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

void Listener::takeIn(kj::Own<kj::AsyncIoStream> stream, SocketAddress peer, DoorCounts::Entry entry) {
  KJ_IF_MAYBE(connections, connections_) {
    auto client = peer.client;
    auto place = kj::heap<Place>(kj::mv(peer), kj::mv(entry), open_ >= limits_.connectionsMax);
    auto closed = newLightPromise();
    place->close_ = kj::mv(closed.fulfiller);
    place->queuedAt_ = ++queuedLast_;
    auto& queue = byClient_[client];
    place->position_ = queue.insert(queue.end(), place.get());
    ++open_;
    ++counts_.open;
    ++counts_.accepted;
    auto& taken = *place;
    auto leaving = kj::defer([this, place = kj::mv(place)]() mutable { leave(*place); });
    connections->add(kj::evalNow([&] { return serve_(kj::mv(stream), taken); })
                         .exclusiveJoin(kj::mv(closed.promise))
                         .attach(kj::mv(leaving)));
  }
}

bool Listener::closeIdle() {
  Queue* largest = nullptr;
  for (auto& [client, queue] : byClient_) {
    if (largest == nullptr || queue.size() > largest->size() ||
        (queue.size() == largest->size() && queue.front()->queuedAt_ < largest->front()->queuedAt_)) {
      largest = &queue;
    }
  }
  if (largest == nullptr) return false;
  if (closeIdleOf(*largest)) return true;
  size_t looks = kLooksMax;
  for (auto& [client, queue] : byClient_) {
    if (looks-- == 0) return false;
    if (&queue != largest && closeIdleOf(queue)) return true;
  }
  return false;
}

// A connection that has made a request since the last look, or has one under way, goes to the end of the queue. Of the
// others goes the first one that has never made any, the newest of them last, which may be about to; else the first
// one.
bool Listener::closeIdleOf(Queue& queue) {
  Place* silentNewest = nullptr;
  Place* lately = nullptr;
  Place* longAgo = nullptr;
  auto* newest = queue.back();
  auto at = queue.begin();
  for (size_t looks = kj::min(queue.size(), kLooksMax); looks > 0; --looks) {
    auto& place = **at;
    auto here = at++;
    bool isIdle = false;
    uint64_t requests = 0;
    KJ_IF_MAYBE(guest, place.guest_) {
      isIdle = guest->isIdle();
      requests = guest->requests();
    }
    if (isIdle && requests == 0) {
      if (&place != newest) {
        close(place);
        return true;
      }
      silentNewest = newest;
    }
    bool wasUsed = !isIdle || requests != place.requestsSeen_;
    if (isIdle && wasUsed && lately == nullptr) lately = &place;
    if (isIdle && !wasUsed && longAgo == nullptr) longAgo = &place;
    place.requestsSeen_ = requests;
    if (!wasUsed) continue;
    place.queuedAt_ = ++queuedLast_;
    queue.splice(queue.end(), queue, here);
  }
  auto* chosen = silentNewest != nullptr ? silentNewest : longAgo != nullptr ? longAgo : lately;
  if (chosen != nullptr) close(*chosen);
  return chosen != nullptr;
}

void Listener::close(Place& place) {
  delist(place);
  place.closing_ = true;
  ++closing_;
  ++counts_.closedIdle;
  place.close_.fulfill();
}

void Listener::delist(Place& place) {
  auto queue = byClient_.find(place.peer_.client);
  queue->second.erase(place.position_);
  if (queue->second.empty()) byClient_.erase(queue);
}

void Listener::leave(Place& place) {
  if (place.closing_) {
    --closing_;
  } else {
    delist(place);
  }
  --open_;
  --counts_.open;
  someoneLeft_.wakeAll();
}

}  // namespace cambium
