#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"

namespace cambium::client {

inline constexpr kj::StringPtr kDefaultAddress = "127.0.0.1:9290"_kj;

struct ConnectionOptions {
  kj::String address = kj::str(kDefaultAddress);      // "host:port", "[ipv6]:port" or "unix:/path"
  kj::String clientName = kj::str("cambium-client");  // shown in the broker's logs and listings
  uint32_t connectTimeoutMs = 10'000;                 // for reaching the broker and its first answer, together
  uint32_t backoffMs = 50;                            // before the attempt after a failed one; doubles …
  uint32_t backoffMsMax = 2'000;                      // … up to this
};

// The way to one broker: connects when somebody needs it and again after the connection was lost. Producers, consumers
// and admins share one. All of it belongs to the thread, and the kj event loop, that made it.
class Connection {
 public:
  // Does nothing yet. `network` and `timer` outlive the connection.
  Connection(kj::Network& network, kj::Timer& timer, ConnectionOptions options);
  ~Connection() noexcept(false);
  KJ_DISALLOW_COPY(Connection);

  // A broker capability of one connection. `generation` counts connections: capabilities got through a session are dead
  // once session() answers with another generation.
  struct Session {
    rpc::Broker::Client broker;
    uint64_t generation;
  };

  // The broker: at once when connected, else after one attempt, which all who wait share. An attempt that follows a
  // failed one first waits for the backoff. Throws DISCONNECTED ("cannot connect to 127.0.0.1:9290: Connection refused;
  // is the broker running?") when the attempt fails, FAILED when the address cannot be parsed or the broker refuses
  // this client.
  kj::Promise<Session> session();

  // Resolves when the present connection ends; at once when there is none.
  kj::Promise<void> onDisconnect();

  // Drops the present connection, if `generation` is (still) the present one: for a caller that found it dead or stuck.
  void disconnect(uint64_t generation);

  bool isConnected() const;
  kj::StringPtr address() const { return options_.address; }
  kj::Timer& timer() { return timer_; }

 private:
  class Link;

  kj::Promise<void> connect();
  kj::Promise<kj::Own<Link>> open();
  kj::Promise<void> watch(kj::Promise<void> lost, uint64_t generation);
  kj::Exception explain(const kj::Exception& e) const;

  kj::Network& network_;
  kj::Timer& timer_;
  ConnectionOptions options_;
  uint64_t generation_ = 0;
  uint32_t failures_ = 0;  // attempts since the last success
  kj::Maybe<kj::Own<Link>> link_;
  bool connecting_ = false;
  kj::Maybe<kj::ForkedPromise<void>> attempt_;  // the last one; it may be over
  kj::Maybe<kj::Promise<void>> watching_;
};

}  // namespace cambium::client
