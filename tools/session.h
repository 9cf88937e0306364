#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include "client/admin.h"
#include "client/connection.h"
#include "tools/command.h"
#include "tools/flags.h"
#include "tools/json_writer.h"
#include "tools/output.h"
#include "tools/wait_note.h"

namespace cambium::tools {

// What a running command has: its arguments, the way to the broker, the loop, and where to print.
class Session {
 public:
  // References live as long as the session.
  Session(kj::AsyncIoContext& io, CommonOptions options, kj::ArrayPtr<const kj::StringPtr> arguments, Output& output);

  // Without the command's own words; as many as its table says.
  kj::ArrayPtr<const kj::StringPtr> arguments() const { return arguments_; }
  kj::StringPtr argument(size_t index) const { return arguments_[index]; }
  bool json() const { return options_.json; }

  Output& out() { return output_; }
  // Connects when first used; throws then when there is no broker.
  client::Connection& connection() { return connection_; }
  client::Admin& admin() { return admin_; }
  kj::Timer& timer() { return io_.provider->getTimer(); }
  kj::UnixEventPort& eventPort() { return io_.unixEventPort; }

  // Waits for `promise`, says on standard error what for when that takes longer than a second, and fails when it takes
  // longer than --timeout. `what`: "the broker at localhost:9290 to answer".
  template <class T>
  kj::Promise<T> waitFor(kj::String what, kj::Promise<T> promise) {
    return promise.exclusiveJoin(giveUp(kj::mv(what)).then([]() -> T { KJ_UNREACHABLE; }));
  }
  // The same for an answer of the broker.
  template <class T>
  kj::Promise<T> answer(kj::Promise<T> promise) {
    return waitFor(kj::str("the broker at ", connection_.address(), " to answer"), kj::mv(promise));
  }
  // --timeout; null: for ever.
  kj::Maybe<kj::Duration> timeout() const { return options_.timeout; }
  // "; gives up after 60 s (--timeout)", behind what is waited for.
  kj::String untilTimeout() const;

  // The ends of a command. Each prints what there is to say and returns the exit code.
  int done() { return kExitOk; }
  // In JSON the document, else the text.
  int print(const JsonWriter& json);
  int fail(const Error& error);
  int fail(kj::StringPtr message);
  int wrongUsage(kj::StringPtr message);

  // From the first call on, the first SIGINT or SIGTERM no longer ends the program but sets interrupted() and resolves
  // these promises; the second one ends it.
  kj::Promise<void> onInterrupt();
  bool interrupted() const { return interrupted_; }

  // From the first call on, says on standard error when the connection is lost and when it is there again: for commands
  // that go on by themselves then.
  void watchConnection();
  // How long there has been no connection; 0 when there is one. Needs watchConnection().
  kj::Duration disconnectedFor();

  // Lets the loop look after its connections and timers: for work that would otherwise never wait.
  kj::Promise<void> yield() { return timer().afterDelay(0 * kj::NANOSECONDS); }

 private:
  // Fails after --timeout.
  kj::Promise<void> giveUp(kj::String what);
  kj::Promise<void> waitForSignals();
  kj::Promise<void> nextSignal();
  kj::Promise<void> reportLostConnections();

  kj::AsyncIoContext& io_;
  CommonOptions options_;
  kj::ArrayPtr<const kj::StringPtr> arguments_;
  Output& output_;
  client::Connection connection_;
  client::Admin admin_;
  bool interrupted_ = false;
  kj::Maybe<kj::ForkedPromise<void>> interrupt_;
  kj::Maybe<kj::Promise<void>> secondSignal_;
  kj::Maybe<kj::TimePoint> lostAt_;
  kj::Maybe<kj::Promise<void>> watching_;
};

}  // namespace cambium::tools
