#include "engine/broker/engine_set.h"

#include <kj/debug.h>

namespace cambium {

StorageEngine& EngineSet::open(kj::StringPtr kind, EngineOptions options) {
  std::lock_guard lock(mutex_);
  auto found = engines_.find(kind.cStr());
  if (found == engines_.end()) found = engines_.emplace(kind.cStr(), factory_.open(kind, kj::mv(options))).first;
  return *found->second;
}

StorageEngine& EngineSet::get(kj::StringPtr kind) {
  std::lock_guard lock(mutex_);
  auto found = engines_.find(kind.cStr());
  KJ_REQUIRE(found != engines_.end(), "storage engine is not open", kind);
  return *found->second;
}

kj::Vector<StorageEngine*> EngineSet::opened() {
  std::lock_guard lock(mutex_);
  kj::Vector<StorageEngine*> all;
  for (auto& [kind, engine] : engines_) all.add(engine.get());
  return all;
}

void EngineSet::close() {
  std::lock_guard lock(mutex_);
  for (auto& [kind, engine] : engines_) engine->close();
  engines_.clear();
}

}  // namespace cambium
