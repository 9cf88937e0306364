#pragma once

#include <capnp/serialize-async.h>
#include <kj/timer.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/fair_turns.h"
#include "engine/base/log_limiter.h"
#include "engine/base/request_budgets.h"
#include "server/rpc/call_ledger.h"

namespace cambium {

// The messages of one connection to the broker. Each takes its room in the loop's budget and keeps it until it is
// destroyed: Cap'n Proto does that when the call has released its parameters. A large one waits for its room when its
// first part has come, so that a claim alone costs nobody anything; a small one, which is there whole by then, before
// it is handed on. While one waits, nothing more is read from its connection.
//
// A message that has begun and does not go on closes the connection: it would hold its room for ever.
//
// A connection has a share of the loop's time (FairTurns): when it is used up, its answers are sent, and everybody else
// is looked at before it is read on. While too many calls of the connection have no answer yet, it is
// read no further. While it waits for a message to begin, it keeps next to no memory. One loop.
class RequestStream final : public capnp::MessageStream, private LargeReads {
 public:
  struct Limits {
    int64_t stepMsMax;  // for each further part of a message
  };
  // What outlives the stream.
  struct Surroundings {
    StreamObserver& observer;
    CallLedger& calls;
    LogLimiter& log;
    FairTurns& turns;
    kj::Timer& timer;
  };

  // `peer` names the other end in the log.
  RequestStream(kj::Own<kj::AsyncIoStream> socket, Surroundings surroundings, kj::Own<RequestBudgets> budgets,
                Limits limits, kj::StringPtr peer);
  KJ_DISALLOW_COPY(RequestStream);

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fds,
                                                                    capnp::ReaderOptions options,
                                                                    kj::ArrayPtr<capnp::word> scratch) override;
  using MessageStream::tryReadMessage;
  kj::Promise<void> writeMessage(kj::ArrayPtr<const int> fds,
                                 kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override {
    calls_.sent(segments);
    return messages_.writeMessage(fds, segments);
  }
  kj::Promise<void> writeMessages(kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override {
    for (auto& segments : messages)
      calls_.sent(segments);
    return messages_.writeMessages(messages);
  }
  kj::Maybe<int> getSendBufferSize() override { return messages_.getSendBufferSize(); }
  kj::Promise<void> end() override { return messages_.end(); }

 private:
  // A message's share of the budget.
  struct Room {
    kj::Own<RequestBudgets> budgets;
    ByteBudget::Lease lease;
  };

  kj::Promise<void> awaitMessage();
  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> receive(kj::ArrayPtr<kj::AutoCloseFd> fds,
                                                             capnp::ReaderOptions options,
                                                             kj::ArrayPtr<capnp::word> scratch);
  kj::Promise<size_t> read(kj::AsyncIoStream& inner, kj::ArrayPtr<kj::byte> into, size_t filled) override;
  kj::Promise<void> awaitAnswers();
  kj::Promise<void> waitWhilePressed();
  kj::Promise<void> takeRoom(Bytes size);
  kj::Promise<bool> readParts(kj::AsyncIoStream& inner, kj::ArrayPtr<kj::byte> into);

  kj::Own<RequestBudgets> budgets_;
  CallLedger& calls_;
  LogLimiter& log_;
  kj::Timer& timer_;
  const Limits limits_;
  const kj::String peer_;
  kj::Maybe<Room> room_;  // of the message that is being read
  WorkShare share_;
  bool shareIsUsed_ = false;
  kj::Own<BufferedStream> stream_;
  capnp::AsyncIoMessageStream messages_;
};

}  // namespace cambium
