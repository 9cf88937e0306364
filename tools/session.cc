#include "tools/session.h"

#include <csignal>
#include <cstdlib>
#include <unistd.h>

#include <kj/debug.h>

namespace cambium::tools {
namespace {

constexpr int kExitInterrupted = 130;  // as shells have it: 128 and SIGINT

constexpr auto kReconnectCheck = 100 * kj::MILLISECONDS;

client::ConnectionOptions connectionOptions(const CommonOptions& options) {
  client::ConnectionOptions connection;
  connection.address = kj::str(options.broker);
  connection.clientName = kj::str("cambium");
  return connection;
}

}  // namespace

Session::Session(kj::AsyncIoContext& io, CommonOptions options, kj::ArrayPtr<const kj::StringPtr> arguments,
                 Output& output)
    : io_(io),
      options_(kj::mv(options)),
      arguments_(arguments),
      output_(output),
      connection_(io.provider->getNetwork(), io.provider->getTimer(), connectionOptions(options_)),
      admin_(connection_) {}

kj::String Session::untilTimeout() const {
  KJ_IF_MAYBE(limit, options_.timeout) return kj::str("; gives up after ", *limit / kj::SECONDS, " s (--timeout)");
  return kj::str("; for as long as it takes (--timeout=0)");
}

kj::Promise<void> Session::giveUp(kj::String what) {
  WaitNote note(output_, timer(), [this, &what]() -> kj::Maybe<kj::String> { return kj::str(what, untilTimeout()); });
  KJ_IF_MAYBE(limit, options_.timeout) {
    co_await timer().afterDelay(*limit);
    kj::throwFatalException(
        kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                      kj::str("gave up after ", *limit / kj::SECONDS, " s of waiting for ", what, " (--timeout)")));
  }
  co_await kj::Promise<void>(kj::NEVER_DONE);
}

int Session::print(const JsonWriter& json) {
  output_.write(json.text());
  output_.write("\n"_kj);
  return kExitOk;
}

int Session::fail(const Error& error) {
  return fail(kj::str(error.message, " (", errorName(error.code), ')'));
}

int Session::fail(kj::StringPtr message) {
  output_.complain(message);
  return kExitFailed;
}

int Session::wrongUsage(kj::StringPtr message) {
  output_.complain(message);
  return kExitUsage;
}

kj::Promise<void> Session::onInterrupt() {
  if (interrupt_ == nullptr) {
    kj::UnixEventPort::captureSignal(SIGINT);
    kj::UnixEventPort::captureSignal(SIGTERM);
    interrupt_ = waitForSignals().fork();
  }
  return KJ_ASSERT_NONNULL(interrupt_).addBranch();
}

void Session::watchConnection() {
  if (watching_ == nullptr) watching_ = reportLostConnections().eagerlyEvaluate(nullptr);
}

kj::Duration Session::disconnectedFor() {
  KJ_IF_MAYBE(lostAt, lostAt_) return timer().now() - *lostAt;
  return 0 * kj::SECONDS;
}

kj::Promise<void> Session::reportLostConnections() {
  for (;;) {
    co_await connection_.onDisconnect();
    // A moment later it is certain that the connection has noticed too; and a short break is not worth a word.
    co_await timer().afterDelay(kReconnectCheck);
    if (connection_.isConnected()) continue;
    lostAt_ = timer().now();
    output_.complain(kj::str("the connection to ", connection_.address(), " was lost; trying again"));
    while (!connection_.isConnected())
      co_await timer().afterDelay(kReconnectCheck);
    lostAt_ = nullptr;
    output_.complain(kj::str("connected to ", connection_.address(), " again"));
  }
}

kj::Promise<void> Session::waitForSignals() {
  co_await nextSignal();
  interrupted_ = true;
  secondSignal_ = nextSignal().then([] { _exit(kExitInterrupted); }).eagerlyEvaluate(nullptr);
}

kj::Promise<void> Session::nextSignal() {
  auto toVoid = [](siginfo_t) {};
  return io_.unixEventPort.onSignal(SIGINT).then(toVoid).exclusiveJoin(
      io_.unixEventPort.onSignal(SIGTERM).then(toVoid));
}

}  // namespace cambium::tools
