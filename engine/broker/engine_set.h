#pragma once

#include <map>
#include <mutex>

#include "engine/broker/data_directory.h"
#include "engine/broker/world.h"

namespace cambium {

// The storage engines of one broker, each opened when it is first needed. Any thread.
class EngineSet {
 public:
  // `report` hears what recovery did, a line each; any thread. `directory` misses the folder of an engine that is gone.
  EngineSet(EngineFactory& factory, DataDirectory& directory, kj::ConstFunction<void(kj::StringPtr)> report)
      : factory_(factory), directory_(directory), report_(kj::mv(report)) {}
  KJ_DISALLOW_COPY(EngineSet);

  // Opens it when it is not; blocks then, so call it on the pool.
  StorageEngine& open(kj::StringPtr kind);
  // Throws when it is not open.
  StorageEngine& get(kj::StringPtr kind);
  // Those that are open, by name.
  kj::Vector<StorageEngine*> opened();
  // Closes all of them cleanly, or, where that fails, as a crash would; all logs must be gone. Blocks.
  void close();

 private:
  kj::Maybe<StorageEngine&> find(kj::StringPtr kind);

  EngineFactory& factory_;
  DataDirectory& directory_;
  kj::ConstFunction<void(kj::StringPtr)> report_;
  std::mutex opening_;  // held while an engine recovers, which nobody but those who need it waits for
  std::mutex mutex_;    // of engines_
  std::map<std::string, kj::Own<StorageEngine>, std::less<>> engines_;
};

}  // namespace cambium
