#include "bench/kafka/broker_process.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

#include "bench/kafka/frames.h"

namespace cambium::bench {

namespace {

constexpr int kStepMs = 20;
constexpr int kEndSeconds = 15;
constexpr int kRestStepMs = 50;
constexpr int kRestSteps = 60;
constexpr double kRestCpuShare = 0.1;

void pauseMs(int milliseconds) {
  usleep(static_cast<useconds_t>(milliseconds) * 1000);
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Whether a broker answers on the port.
bool answers(uint16_t port) {
  int fd = connectTo(port);
  if (fd < 0) return false;
  kj::AutoCloseFd owned(fd);
  timeval patience{.tv_sec = 2, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  auto request = apiVersionsRequest(1);
  if (send(fd, request.begin(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) return false;
  kj::byte front[kLengthBytes];
  return recv(fd, front, sizeof(front), MSG_WAITALL) == sizeof(front);
}

std::string lastLine(kj::StringPtr path) {
  std::ifstream file(path.cStr());
  std::string line;
  for (std::string next; std::getline(file, next);) {
    if (!next.empty()) line = next;
  }
  return line;
}

}  // namespace

uint16_t freePort() {
  kj::AutoCloseFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = loopback(0);
  socklen_t size = sizeof(address);
  KJ_SYSCALL(bind(fd, reinterpret_cast<sockaddr*>(&address), size));
  KJ_SYSCALL(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size));
  return ntohs(address.sin_port);
}

int connectTo(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  KJ_REQUIRE(fd >= 0, "cannot make a socket");
  auto address = loopback(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

BrokerProcess::BrokerProcess(kj::ArrayPtr<const kj::String> command, uint16_t port, kj::String log)
    : port_(port), log_(kj::mv(log)) {
  kj::Vector<char*> arguments;
  for (auto& word : command)
    arguments.add(const_cast<char*>(word.cStr()));
  arguments.add(nullptr);
  kj::AutoCloseFd output(open(log_.cStr(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  KJ_REQUIRE(output.get() >= 0, "cannot write the log of a broker", log_);
  KJ_SYSCALL(process_ = fork());
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(arguments[0], arguments.begin());
    _exit(127);
  }
  KJ_ON_SCOPE_FAILURE(end());
  waitUntilReady(command[0]);
  KJ_REQUIRE(clock_getcpuclockid(process_, &cpuClock_) == 0, "the processor time of a process cannot be read");
}

BrokerProcess::~BrokerProcess() {
  end();
}

void BrokerProcess::waitUntilReady(kj::StringPtr program) {
  for (int waited = 0; !answers(port_); waited += kStepMs) {
    KJ_REQUIRE(!hasEnded(), "the broker ended before it was ready", program, lastLine(log_).c_str());
    KJ_REQUIRE(waited < kReadySeconds * 1000, "the broker does not answer", program, lastLine(log_).c_str());
    pauseMs(kStepMs);
  }
}

bool BrokerProcess::hasEnded() {
  if (process_ < 0) return true;
  int status = 0;
  if (waitpid(process_, &status, WNOHANG) != process_) return false;
  process_ = -1;
  return true;
}

void BrokerProcess::end() {
  if (hasEnded()) return;
  kill(process_, SIGTERM);
  for (int waited = 0; waited < kEndSeconds * 1000; waited += kStepMs) {
    if (hasEnded()) return;
    pauseMs(kStepMs);
  }
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

double BrokerProcess::cpuSeconds() const {
  timespec time{};
  KJ_REQUIRE(clock_gettime(cpuClock_, &time) == 0, "the broker has ended", lastLine(log_).c_str());
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void BrokerProcess::settle() const {
  double before = cpuSeconds();
  for (int step = 0; step < kRestSteps; ++step) {
    pauseMs(kRestStepMs);
    double now = cpuSeconds();
    if (now - before < kRestCpuShare * kRestStepMs / 1000) return;
    before = now;
  }
}

Sample BrokerWatch::stop(uint64_t records, uint64_t bytes) const {
  Sample sample{.operations = records, .bytes = bytes, .records = records};
  sample.seconds = static_cast<double>(Latencies::nowNs() - begunNs_) / 1e9;
  sample.cpuSeconds = broker_.cpuSeconds() - cpuBegun_;
  return sample;
}

}  // namespace cambium::bench
