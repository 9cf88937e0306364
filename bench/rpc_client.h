#pragma once

#include <capnp/rpc-twoparty.h>

#include "bench/rpc_servers.h"
#include "engine/base/coroutine.h"

namespace cambium::bench {

// The client's end of one connection. Used on the thread of `io`.
class RpcLink {
 public:
  RpcLink(kj::AsyncIoContext& io, kj::StringPtr address, bool buffered);
  KJ_DISALLOW_COPY(RpcLink);

  capnp::Capability::Client bootstrap();

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

// A server with a connection to it, and partitions to be had.
class RpcSubject {
 public:
  virtual ~RpcSubject() noexcept(false) = default;
  // An empty partition.
  virtual rpc::Partition::Client freshPartition() = 0;
  // Gives up the partition last made, with all it holds.
  virtual void dropPartition() = 0;
};

// `subject`: "pair" and "pair-buffered" (see startPair); "broker" (native logs, durability=os), "broker-fsync" (native
// logs, durability=fsync), "broker-rocksdb" (RocksDB logs, durability=os). Null for another name.
kj::Maybe<kj::Own<RpcSubject>> openRpcSubject(kj::AsyncIoContext& io, kj::StringPtr subject, kj::String folder,
                                              Bytes batch, uint64_t count);

// Throws when a result carries an error.
void requireNone(rpc::Error::Reader error, kj::StringPtr doing);

}  // namespace cambium::bench
