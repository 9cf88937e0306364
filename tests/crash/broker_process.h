#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include <kj/async-io.h>

namespace cambium {

// The program cambiumd as a process of its own, on free ports. Killed, when it runs, on destruction: that one process,
// no other.
class BrokerProcess {
 public:
  // Starts `program` and waits for the line that says it is ready. Throws with what it printed when it ends before
  // that, or takes longer than half a minute.
  BrokerProcess(kj::AsyncIoContext& io, kj::StringPtr program, std::vector<std::string> flags);
  ~BrokerProcess() noexcept(false);
  KJ_DISALLOW_COPY(BrokerProcess);

  // "127.0.0.1:port" of its RPC door.
  kj::StringPtr address() const { return address_; }
  // Of another door, as the ready line names it: "Kafka", "HTTP".
  kj::String address(kj::StringPtr door) const;
  // SIGKILL; returns when the process is gone.
  void kill();
  // SIGTERM; returns its exit status.
  int terminate();

 private:
  int wait();

  pid_t process_ = -1;
  kj::Own<kj::AsyncInputStream> output_;
  std::string ready_;
  kj::String address_;
  kj::Promise<void> drained_ = nullptr;
};

}  // namespace cambium
