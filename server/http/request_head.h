#pragma once

#include <kj/common.h>
#include <kj/string.h>

namespace cambium {

// Why a request is refused.
struct HttpFault {
  unsigned status;
  kj::StringPtr sentence;  // for the client, with a line end; lives for ever
};

// What the head of a request (its first line and its headers) says about the connection. kj's HTTP server takes much
// that is no valid HTTP, and answers some of it as an error of its own: what has a fault is not shown to it.
struct RequestHead {
  bool isHead = false;     // the method
  bool isClosing = false;  // the client wants the connection closed after the answer, or speaks HTTP/1.0
  bool hasBody = false;
  kj::String host;  // in lower case, without port, brackets and a dot at its end; empty when HTTP/1.0 names none
  kj::Maybe<HttpFault> fault;
};

// Reads a head, from the first byte of the request line to the empty line (RFC 9112). Never fails: see `fault`.
RequestHead readRequestHead(kj::ArrayPtr<const char> head);

// The size of the head that `bytes` begin with, with its empty line; null while it is not complete.
kj::Maybe<size_t> findEndOfHead(kj::ArrayPtr<const char> bytes);

// The host of "host:port", "[v6]:port", "host": as in RequestHead.
kj::String hostOfAuthority(kj::ArrayPtr<const char> authority);

}  // namespace cambium
