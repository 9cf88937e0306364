#pragma once

#include <sys/types.h>
#include <time.h>

#include <kj/array.h>
#include <kj/string.h>

#include "bench/sample.h"

namespace cambium::bench {

// A broker under load: a process of its own on a port of 127.0.0.1, that speaks the Kafka protocol. Ends with this
// object, and with the program that made it.
class BrokerProcess {
 public:
  // Starts `command` and waits until it answers ApiVersions on `port`. What it prints goes to the file `log`. Throws
  // with the last line of that when it ends before, or when `kReadySeconds` have passed.
  BrokerProcess(kj::ArrayPtr<const kj::String> command, uint16_t port, kj::String log);
  ~BrokerProcess();
  KJ_DISALLOW_COPY(BrokerProcess);

  uint16_t port() const { return port_; }
  // "127.0.0.1:port".
  kj::String address() const { return kj::str("127.0.0.1:", port_); }

  // Processor time of all its threads so far, ended ones too.
  double cpuSeconds() const;

  // Waits until it is at rest: giving back the memory of a large file takes it tens of milliseconds after the file is
  // gone by name, which the next run must not pay for. Returns after some seconds in any case.
  void settle() const;

  static constexpr int kReadySeconds = 60;

 private:
  void waitUntilReady(kj::StringPtr program);
  bool hasEnded();
  void end();

  uint16_t port_;
  kj::String log_;
  pid_t process_ = -1;
  clockid_t cpuClock_{};
};

// Times work whose processor time is the broker's.
class BrokerWatch {
 public:
  explicit BrokerWatch(const BrokerProcess& broker) : broker_(broker), cpuBegun_(broker.cpuSeconds()) {}
  // Operations are records here.
  Sample stop(uint64_t records, uint64_t bytes) const;

 private:
  const BrokerProcess& broker_;
  double cpuBegun_;
  int64_t begunNs_ = Latencies::nowNs();
};

// A port of 127.0.0.1 that nobody listens on now.
uint16_t freePort();

// A blocking connection to a port of 127.0.0.1; -1 when nobody listens there.
int connectTo(uint16_t port);

}  // namespace cambium::bench
