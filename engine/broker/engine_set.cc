#include "engine/broker/engine_set.h"

#include <kj/debug.h>

namespace cambium {

StorageEngine& EngineSet::open(kj::StringPtr kind, EngineOptions options) {
  auto engines = engines_.lockExclusive();
  auto found = engines->find(kj::str(kind));
  if (found == engines->end()) {
    found = engines->emplace(kj::str(kind), factory_.open(kind, kj::mv(options))).first;
  }
  return *found->second;
}

StorageEngine& EngineSet::get(kj::StringPtr kind) const {
  auto engines = engines_.lockShared();
  auto found = engines->find(kj::str(kind));
  KJ_REQUIRE(found != engines->end(), "storage engine is not open", kind);
  return const_cast<StorageEngine&>(*found->second);
}

kj::Vector<StorageEngine*> EngineSet::opened() const {
  kj::Vector<StorageEngine*> all;
  auto engines = engines_.lockShared();
  for (auto& [kind, engine] : *engines) all.add(const_cast<StorageEngine*>(engine.get()));
  return all;
}

void EngineSet::close() {
  auto engines = engines_.lockExclusive();
  for (auto& [kind, engine] : *engines) engine->close();
  engines->clear();
}

}  // namespace cambium
