#pragma once

#include <kj/array.h>
#include <kj/async-io.h>
#include <kj/io.h>
#include <kj/vector.h>

namespace cambium {

// Sockets that listen on one address, one set for each event loop (the system spreads connections over them). Bound
// before the broker recovers, so that a taken port stops the start at once and clients wait rather than fail.
class ListenSockets {
 public:
  // `address` is host:port or [v6]:port; a name may stand for several addresses; port 0 takes a free one. Throws a
  // one-line reason that names `flag`.
  ListenSockets(kj::StringPtr flag, kj::StringPtr address, unsigned loops);

  // The receivers for one loop; once per loop, on its thread.
  kj::Array<kj::Own<kj::ConnectionReceiver>> receivers(unsigned loop, kj::LowLevelAsyncIoProvider& io);
  // With the real port, for people: "127.0.0.1:9290".
  kj::StringPtr describe() const { return described_; }
  // As it was configured, without brackets: "localhost", "0.0.0.0", "::1".
  kj::StringPtr host() const { return host_; }
  // The host is a name, not an IP address.
  bool hasName() const;
  // The real one.
  uint16_t port() const { return port_; }

 private:
  kj::Vector<kj::Vector<kj::AutoCloseFd>> sockets_;  // by loop, then by address
  kj::String host_;
  uint16_t port_ = 0;
  kj::String described_;
};

}  // namespace cambium
