#include "server/door/socket_address.h"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

#include "engine/base/byte_cursor.h"

namespace cambium {

namespace {

// Apart from all of IPv6 that is given to hosts.
constexpr uint64_t kV4Clients = uint64_t{1} << 32;

SocketAddress read(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET6) {
    auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    return {kj::str(text), ntohs(v6.sin6_port),
            static_cast<uint64_t>(loadBigEndian<int64_t>(reinterpret_cast<const kj::byte*>(&v6.sin6_addr)))};
  }
  if (address.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return {kj::str(text), ntohs(v4.sin_port), kV4Clients | ntohl(v4.sin_addr.s_addr)};
  }
  return {};
}

}  // namespace

SocketAddress peerOf(kj::AsyncIoStream& stream) {
  if (stream.getFd() == nullptr) return {};
  sockaddr_storage address{};
  kj::uint length = sizeof(address);
  stream.getpeername(reinterpret_cast<sockaddr*>(&address), &length);
  return read(address);
}

SocketAddress localEndOf(kj::AsyncIoStream& stream) {
  if (stream.getFd() == nullptr) return {};
  sockaddr_storage address{};
  kj::uint length = sizeof(address);
  stream.getsockname(reinterpret_cast<sockaddr*>(&address), &length);
  return read(address);
}

}  // namespace cambium
