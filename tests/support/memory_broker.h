#pragma once

#include <string>
#include <vector>

#include <kj/async-io.h>

#include "engine/base/thread_work_pool.h"
#include "engine/broker/broker.h"
#include "tests/support/virtual_world.h"

namespace cambium {

// The broker of cambiumd over a file system that may be any, RocksDB included, on one loop and virtual time: without
// doors, called through local(). With a MemoryFileSystem below, the same calls make the same file calls, but for what
// RocksDB does on threads of its own.
class MemoryBroker {
 public:
  // What outlives brokers: the loop, and the clock that goes on over restarts.
  struct Surroundings {
    kj::AsyncIoContext io = kj::setupAsyncIo();
    kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
    VirtualClock clock;
    uint64_t entropy = 1;
  };

  // `storeFolder` is an empty folder of the real system below which RocksDB believes to be. Throws what Broker and its
  // start() throw.
  MemoryBroker(Surroundings& surroundings, FileSystem& files, kj::StringPtr storeFolder, kj::StringPtr logEngine,
               kj::StringPtr stateEngine);
  // Stops, when it runs, and does not say what fails. A crash is a MemoryFileSystem whose power is off by then.
  ~MemoryBroker() noexcept(false);
  KJ_DISALLOW_COPY(MemoryBroker);

  LocalBroker& local() { return broker_->local(); }
  // Throws what Broker::stop() throws; the broker is gone all the same. Once.
  void stop();
  // Lets so much time pass.
  void pass(int64_t milliseconds);
  // Lets the loop run, and time pass as far as it must, until the promise is done. Throws when it never is.
  template <class T>
  T wait(kj::Promise<T> promise) {
    settle([&] { return promise.poll(surroundings_.io.waitScope); });
    return promise.wait(surroundings_.io.waitScope);
  }

 private:
  class Numbers;
  class NoMoreLoops;
  class Engines;

  void settle(kj::FunctionParam<bool()> isDone);
  void advanceTo(kj::TimePoint time);

  Surroundings& surroundings_;
  kj::Own<Entropy> entropy_;
  kj::Own<LoopStarter> loops_;
  LogLevelSwitch logLevel_{LogLevel::kWarn};
  kj::Own<EngineFactory> engines_;
  InlineWorkPool pool_;
  LoopContext loop_;
  World world_;
  kj::Own<Broker> broker_;
};

}  // namespace cambium
