#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Appender: a stream of batches into one partition. A streaming call returns when its batches are written, which
// is the back-pressure; durability is waited for in flush() only, so that syncs group.
class AppenderServer final : public rpc::Appender::Server {
 public:
  AppenderServer(kj::Own<Session> session, PartitionKey key, Acks acks);

 protected:
  kj::Promise<void> append(AppendContext context) override;
  kj::Promise<void> flush(FlushContext context) override;

 private:
  SessionHold session_;
  PartitionKey key_;
  Acks acks_;
  kj::Maybe<AppendOutcome> span_;  // of everything so far
  kj::Maybe<Error> failure_;       // the first one
};

}  // namespace cambium
