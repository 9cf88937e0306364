#pragma once

#include <kj/async-io.h>
#include <kj/thread.h>

#include "bench/batch_source.h"
#include "schema/cambium.capnp.h"

namespace cambium::bench {

// A server on a thread and event loop of its own, which listens on a free loopback port.
class RpcServer {
 public:
  virtual ~RpcServer() noexcept(false) = default;
  // "127.0.0.1:12345"
  virtual kj::StringPtr address() const = 0;
};

// The broker as cambiumd wires it (native or rocksdb logs, native state), one event loop, over `folder`, which goes
// with it. Its bootstrap capability is a Gate.
kj::Own<RpcServer> startBroker(kj::StringPtr logEngine, kj::String folder);

// The probe: same schema, same messages, same sizes, but nothing done with them. Its bootstrap capability is a
// Partition: appends are answered at once, reads and subscriptions get batches out of memory: `count` times one of
// `batch` bytes. Over kj's own streams, or over our buffering one.
kj::Own<RpcServer> startPair(bool buffered, Bytes batch, uint64_t count);

// SO_SNDBUF at both ends, of all: it is also kj's window of streaming calls.
inline constexpr int kSendBufferBytes = 1 << 20;

}  // namespace cambium::bench
