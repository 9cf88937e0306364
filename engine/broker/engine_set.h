#pragma once

#include <map>

#include <kj/mutex.h>

#include "engine/broker/world.h"

namespace cambium {

// The storage engines of one broker, each opened when it is first needed. Any thread.
class EngineSet {
 public:
  explicit EngineSet(EngineFactory& factory) : factory_(factory) {}
  KJ_DISALLOW_COPY(EngineSet);

  // Opens it when it is not; blocks then, so call it on the pool.
  StorageEngine& open(kj::StringPtr kind, EngineOptions options = {});
  // Throws when it is not open.
  StorageEngine& get(kj::StringPtr kind) const;
  // Those that are open, by name.
  kj::Vector<StorageEngine*> opened() const;
  // Closes all of them cleanly; all logs must be gone. Blocks.
  void close();

 private:
  using Map = std::map<kj::String, kj::Own<StorageEngine>>;
  EngineFactory& factory_;
  kj::MutexGuarded<Map> engines_;
};

}  // namespace cambium
