#pragma once

#include "engine/base/coroutine.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// rpc::Subscription: pushes one partition's records into a client's sink for as long as the client holds it. What is on
// the way to a slow sink is bounded by the connection's send buffer (the window of a streaming call): the next read
// happens when the last push found room.
class SubscriptionServer final : public rpc::Subscription::Server {
 public:
  struct Options {
    bool asBatches;
    Bytes bytesPerPush;
    Offset end;  // stop before this one
  };

  SubscriptionServer(kj::Own<Session> session, PartitionKey key, Offset from, rpc::RecordSink::Client sink,
                     Options options);

 protected:
  kj::Promise<void> position(PositionContext context) override;

 private:
  // run(), and tells the sink how it ended.
  kj::Promise<void> runToEnd();
  // Until the end offset; or why not so far. Throws what the sink throws.
  kj::Promise<kj::Maybe<Error>> run();
  // One push; an error ends the subscription.
  kj::Promise<Result<void>> push(kj::Own<ReadOutcome> outcome, AnswerBudget::Share share);
  rpc::RecordSink::Client& sinkNow();
  kj::Promise<void> finish(kj::Maybe<Error> error);

  SessionHold session_;
  PartitionKey key_;
  kj::Maybe<rpc::RecordSink::Client> sink_;  // null when it ended
  Options options_;
  Offset next_;
  Offset highWatermark_ = kNoOffset;
  kj::Promise<void> running_;
};

}  // namespace cambium
