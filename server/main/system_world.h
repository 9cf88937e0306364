#pragma once

#include <kj/async-io.h>

#include "engine/broker/world.h"

namespace cambium {

// The real clock, random numbers and event loops: what main hands to the broker.

// kj's event loop for the calling thread, as every loop of the broker has it. By itself kj looks for I/O, timers and
// calls of other threads only when nothing else is to be done: a client that always has a request there would hold up
// everybody else. This one looks every few hundred events as well.
kj::AsyncIoContext setupLoop();

class SystemClock final : public Clock {
 public:
  TimestampMs now() const override;
  int64_t steadyNs() const override;
};

class SystemEntropy final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override;
};

// Of this process (/proc/self/status). Any thread.
MemoryUse readMemoryUse();

// Further loops, each on a thread of its own, with kj's own event port.
class ThreadLoops final : public LoopStarter {
 public:
  // `level`: how much their threads log; outlives the loops.
  explicit ThreadLoops(const LogLevelSwitch& level) : level_(level) {}
  kj::Own<Loop> start(unsigned index, kj::Function<kj::Promise<void>(LoopContext&)> main) override;

 private:
  const LogLevelSwitch& level_;
};

// The two engines, each in its folder of the data directory.
class DiskEngines final : public EngineFactory {
 public:
  // `files` is rooted at `dataDir`.
  DiskEngines(FileSystem& files, kj::StringPtr dataDir, size_t openFilesMax)
      : files_(files), dataDir_(kj::str(dataDir)), openFilesMax_(openFilesMax) {}
  kj::Own<StorageEngine> open(kj::StringPtr kind, EngineOptions options) override;

 private:
  FileSystem& files_;
  kj::String dataDir_;
  size_t openFilesMax_;
};

}  // namespace cambium
