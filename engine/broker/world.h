#pragma once

#include <kj/async-io.h>
#include <kj/function.h>

#include "engine/base/clock.h"
#include "engine/base/log_level.h"
#include "engine/base/work_pool.h"
#include "engine/storage/file_system.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// What belongs to one event loop. Used on that loop only.
struct LoopContext {
  kj::Timer& timer;
  kj::LowLevelAsyncIoProvider& io;
};

// Starts further event loops.
class LoopStarter {
 public:
  // A running loop. Destroying it joins; its main promise must be done by then or it waits for it.
  class Loop {
   public:
    virtual ~Loop() noexcept(false) = default;
  };

  virtual ~LoopStarter() noexcept(false) = default;
  // A new loop that runs `main` until its promise is done.
  virtual kj::Own<Loop> start(unsigned index, kj::Function<kj::Promise<void>(LoopContext&)> main) = 0;
};

// Makes storage engines by name.
class EngineFactory {
 public:
  virtual ~EngineFactory() noexcept(false) = default;
  // Opens "native" or "rocksdb" in its folder below the data directory. Blocks; any thread. Throws when it cannot be
  // opened.
  virtual kj::Own<StorageEngine> open(kj::StringPtr kind, EngineOptions options) = 0;
};

// What the process holds of the machine's memory, as the system says.
struct MemoryUse {
  Bytes own{};
  // Pages of files that are mapped for reading: the system takes them back when somebody needs the memory.
  Bytes mappedFiles{};
};

// Everything outside that a broker touches. All of it outlives the broker.
struct World {
  FileSystem& files;  // rooted at the data directory
  const Clock& clock;
  const Entropy& entropy;
  WorkPool& pool;  // for what waits for the device
  LoopStarter& loops;
  EngineFactory& engines;
  LogLevelSwitch& logLevel;  // of the process
  WorkPool& checkPool;       // for what takes a processor's time: nobody's sync waits behind it
  // Any thread; null where nobody asks.
  MemoryUse (*memoryUse)() = nullptr;
};

}  // namespace cambium
