#pragma once

#include <list>

#include "engine/base/buffered_stream.h"
#include "engine/base/light_promise.h"
#include "engine/base/log_limiter.h"
#include "engine/base/task_slot.h"
#include "server/door/listener.h"
#include "server/kafka/api.h"
#include "server/kafka/frame_reader.h"

namespace cambium::kafka {

// One client: reads frames, serves the requests in them, and writes the answers in the order of the requests. A request
// begins when everything before it on this connection is done, as with Kafka; only produce requests follow one another
// at once, so that one which waits for its sync does not hold up the next one's append.
class Connection final : public Guest {
 public:
  // `requests` bounds the frames of all connections of a loop.
  Connection(kj::Own<BufferedStream> stream, ConnectionFacts facts, DoorContext& door, RequestBudgets& requests,
             LogLimiter& log, kj::Timer& timer);
  ~Connection() noexcept(false);
  KJ_DISALLOW_COPY(Connection);

  // Done when the client has gone or was cut off for sending what is no request; once. Dropping it drops what is
  // under way: appends that began are on the disk all the same.
  kj::Promise<void> run();
  // Nothing is under way and the system has taken every answer. One caller at a time.
  kj::Promise<void> whenIdle();
  // To be called now and then: cuts the client off when it takes no answers any more, and when it is slow to take one
  // whose room others wait for.
  void checkPace();

  bool isIdle() const override { return calls_.empty(); }
  uint64_t requests() const override { return begun_; }

 private:
  struct Call;

  kj::Promise<void> readRequests();
  void serveNoMore();
  void hasRead(kj::Maybe<kj::Exception> failure);
  void hasWritten(kj::Maybe<kj::Exception> failure);
  kj::Promise<void> discardInput();
  kj::Promise<void> writeReplies();
  kj::Promise<void> answerInOrder();
  kj::Promise<void> write(const Encoded& reply);
  bool isSlow() const;
  // True: done, or being served. False: the connection is to be closed.
  kj::Promise<bool> begin(kj::Own<Call> call);
  void answerUnknownVersion(Call& call);
  void done(Call& call);
  bool mayBegin(const Api& api) const;
  bool cutOff(kj::StringPtr why);

  kj::Own<BufferedStream> stream_;
  ConnectionFacts facts_;
  DoorContext& door_;
  SharedBudget::Account account_;
  WorkShare share_;
  LogLimiter& log_;
  kj::Timer& timer_;
  FrameReader frames_;
  std::list<kj::Own<Call>> calls_;  // in order, until their answers are written
  size_t beingServed_ = 0;          // calls that have no answer yet …
  size_t pipelined_ = 0;            // … and those of them that others may follow
  size_t unsentBytes_ = 0;
  uint64_t begun_ = 0;  // requests
  bool writing_ = false;
  size_t writingBytes_ = 0;     // of the answer that is being written
  kj::TimePoint writingSince_;  // while writing_; that answer …
  kj::TimePoint writtenAt_;     // … and a part of it, last
  bool mayRead_ = true;         // requests
  bool isWritten_ = false;      // all that ever will be
  bool serving_ = true;         // else what comes now is thrown away
  bool clientEnded_ = false;
  LightFulfiller over_;  // of run()
  LightFulfiller readerWaits_;
  LightFulfiller writerWaits_;
  LightFulfiller idleWaits_;
  kj::Promise<void> overdue_ = nullptr;
  // Last: they use the rest.
  TaskSlot reading_;
  TaskSlot writingReplies_;
};

}  // namespace cambium::kafka
