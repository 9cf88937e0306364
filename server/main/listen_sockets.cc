#include "server/main/listen_sockets.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <kj/debug.h>

#include "engine/base/text.h"

namespace cambium {

namespace {

constexpr int kBacklog = 4096;

[[noreturn]] void refuse(kj::StringPtr flag, kj::StringPtr address, kj::StringPtr why) {
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, "listen_sockets", 0, kj::str("--", flag, "=", address, ": ", why)));
}

struct HostPort {
  kj::String host;
  uint16_t port;
};

HostPort split(kj::StringPtr flag, kj::StringPtr address) {
  KJ_IF_MAYBE(colon, address.findLast(':')) {
    auto host = kj::str(address.slice(0, *colon));
    if (host.startsWith("[") && host.endsWith("]")) host = kj::str(host.slice(1, host.size() - 1));
    KJ_IF_MAYBE(port, parseInteger<uint16_t>(address.slice(*colon + 1))) {
      if (host.size() > 0) return {kj::mv(host), *port};
    }
  }
  refuse(flag, address, "expected host:port, for example 127.0.0.1:9290, or nothing to close this door");
}

uint16_t& portOf(sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) return reinterpret_cast<sockaddr_in6&>(address).sin6_port;
  return reinterpret_cast<sockaddr_in&>(address).sin_port;
}

struct Bound {
  kj::AutoCloseFd socket;
  int failure;  // errno, or 0
};

Bound bindSocket(const sockaddr_storage& address, socklen_t size, bool shared) {
  kj::AutoCloseFd fd(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return {kj::mv(fd), errno};
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) return {kj::mv(fd), errno};
  return {kj::mv(fd), 0};
}

}  // namespace

ListenSockets::ListenSockets(kj::StringPtr flag, kj::StringPtr text, unsigned loops) {
  auto where = split(flag, text);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  int failure = getaddrinfo(where.host.cStr(), nullptr, &hints, &found);
  if (failure != 0) refuse(flag, text, kj::str("cannot find this host: ", gai_strerror(failure)));
  KJ_DEFER(freeaddrinfo(found));

  uint16_t port = where.port;
  sockets_.resize(loops);
  for (auto* one = found; one != nullptr; one = one->ai_next) {
    sockaddr_storage address{};
    memcpy(&address, one->ai_addr, one->ai_addrlen);
    portOf(address) = htons(port);
    // A shared port would also be shared with another process: see first that nobody has it.
    if (loops > 1) {
      auto probe = bindSocket(address, one->ai_addrlen, false);
      if (probe.failure != 0) refuse(flag, text, kj::str("cannot listen: ", strerror(probe.failure)));
    }
    for (auto& ofLoop : sockets_) {
      auto bound = bindSocket(address, one->ai_addrlen, loops > 1);
      if (bound.failure == 0 && listen(bound.socket, kBacklog) != 0) bound.failure = errno;
      if (bound.failure != 0) {
        refuse(flag, text,
               kj::str("cannot listen: ", strerror(bound.failure),
                       bound.failure == EADDRINUSE ? "; is another broker running there?" : ""));
      }
      if (port == 0) {
        socklen_t size = sizeof(address);
        KJ_SYSCALL(getsockname(bound.socket, reinterpret_cast<sockaddr*>(&address), &size));
        port = ntohs(portOf(address));
      }
      ofLoop.add(kj::mv(bound.socket));
    }
  }
  bool v6 = where.host.findFirst(':') != nullptr;
  described_ = v6 ? kj::str('[', where.host, "]:", port) : kj::str(where.host, ':', port);
  host_ = kj::mv(where.host);
  port_ = port;
}

bool ListenSockets::hasName() const {
  in6_addr address{};
  return inet_pton(AF_INET, host_.cStr(), &address) != 1 && inet_pton(AF_INET6, host_.cStr(), &address) != 1;
}

kj::Array<kj::Own<kj::ConnectionReceiver>> ListenSockets::receivers(unsigned loop, kj::LowLevelAsyncIoProvider& io) {
  auto receivers = kj::heapArrayBuilder<kj::Own<kj::ConnectionReceiver>>(sockets_[loop].size());
  for (auto& socket : sockets_[loop]) {
    receivers.add(io.wrapListenSocketFd(
        kj::mv(socket), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC | kj::LowLevelAsyncIoProvider::ALREADY_NONBLOCK));
  }
  return receivers.finish();
}

}  // namespace cambium
