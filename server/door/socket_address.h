#pragma once

#include <kj/async-io.h>
#include <kj/string.h>

namespace cambium {

// One end of a connection.
struct SocketAddress {
  kj::String host;  // "127.0.0.1", "::1"; empty for what is no IP address (a unix socket, a pipe)
  uint16_t port = 0;
  // Clients that count as one: an IPv4 address, or the first 64 bits of an IPv6 address, which one host can have all
  // addresses of. 0 for what is no IP address.
  uint64_t client = 0;
};

SocketAddress peerOf(kj::AsyncIoStream& stream);
SocketAddress localEndOf(kj::AsyncIoStream& stream);

}  // namespace cambium
