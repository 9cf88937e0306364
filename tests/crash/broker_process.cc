#include "tests/crash/broker_process.h"

#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

namespace cambium {

namespace {

constexpr kj::StringPtr kReady = "Cap'n Proto RPC on "_kj;

// Reads until the ready line is whole; everything read so far.
kj::Promise<std::string> readUntilReady(kj::AsyncInputStream& output, std::string text) {
  auto at = text.find(kReady.cStr());
  if (at != std::string::npos && text.find('\n', at) != std::string::npos) return kj::mv(text);
  auto buffer = kj::heapArray<char>(4096);
  auto target = buffer.begin();
  return output.tryRead(target, 1, buffer.size())
      .then([&output, text = kj::mv(text), buffer = kj::mv(buffer)](size_t got) mutable -> kj::Promise<std::string> {
        KJ_REQUIRE(got > 0, "the broker ended before it was ready", text.c_str());
        text.append(buffer.begin(), got);
        return readUntilReady(output, kj::mv(text));
      });
}

// Keeps the pipe from filling up.
kj::Promise<void> drain(kj::AsyncInputStream& output) {
  return output.readAllText().ignoreResult();
}

}  // namespace

BrokerProcess::BrokerProcess(kj::AsyncIoContext& io, kj::StringPtr program, std::vector<std::string> flags) {
  int pipe[2];
  KJ_SYSCALL(pipe2(pipe, O_CLOEXEC));
  kj::AutoCloseFd readEnd(pipe[0]), writeEnd(pipe[1]);
  std::vector<char*> arguments{const_cast<char*>(program.cStr())};
  for (auto& flag : flags)
    arguments.push_back(flag.data());
  arguments.push_back(nullptr);
  KJ_SYSCALL(process_ = fork());
  if (process_ == 0) {
    dup2(writeEnd, STDERR_FILENO);
    execv(program.cStr(), arguments.data());
    _exit(127);
  }
  writeEnd = nullptr;
  output_ = io.lowLevelProvider->wrapInputFd(kj::mv(readEnd), kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  auto tooLong = io.provider->getTimer().afterDelay(30 * kj::SECONDS).then([]() -> std::string {
    KJ_FAIL_REQUIRE("the broker was not ready in time");
  });
  std::string text;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                text = readUntilReady(*output_, "").exclusiveJoin(kj::mv(tooLong)).wait(io.waitScope);
              })) {
    kill();
    kj::throwFatalException(kj::mv(*exception));
  }
  ready_ = kj::mv(text);
  address_ = address("Cap'n Proto RPC");
  drained_ = drain(*output_).eagerlyEvaluate([](kj::Exception&&) {});
}

BrokerProcess::~BrokerProcess() noexcept(false) {
  if (process_ > 0) kill();
}

kj::String BrokerProcess::address(kj::StringPtr door) const {
  auto sign = std::string(door.cStr()) + " on ";
  auto found = ready_.find(sign);
  KJ_REQUIRE(found != std::string::npos, "the broker has no such door", door, ready_.c_str());
  auto begin = found + sign.size();
  return kj::heapString(ready_.substr(begin, ready_.find_first_of(",;", begin) - begin).c_str());
}

void BrokerProcess::kill() {
  ::kill(process_, SIGKILL);
  wait();
}

int BrokerProcess::terminate() {
  ::kill(process_, SIGTERM);
  return wait();
}

int BrokerProcess::wait() {
  int status = 0;
  pid_t ended = -1;
  do {
    ended = waitpid(process_, &status, 0);
  } while (ended < 0 && errno == EINTR);
  process_ = -1;
  return status;
}

}  // namespace cambium
