#include "engine/broker/engine_set.h"

#include <kj/debug.h>

namespace cambium {

StorageEngine& EngineSet::open(kj::StringPtr kind) {
  KJ_IF_MAYBE(engine, find(kind)) return *engine;
  std::lock_guard opening(opening_);
  KJ_IF_MAYBE(engine, find(kind)) return *engine;
  directory_.requireEngine(kind);
  auto engine = factory_.open(kind, EngineOptions{.report = [this](kj::StringPtr line) { report_(line); }});
  auto& opened = *engine;
  directory_.noteEngine(kind);
  std::lock_guard lock(mutex_);
  engines_.emplace(kind.cStr(), kj::mv(engine));
  return opened;
}

StorageEngine& EngineSet::get(kj::StringPtr kind) {
  return KJ_REQUIRE_NONNULL(find(kind), "storage engine is not open", kind);
}

kj::Maybe<StorageEngine&> EngineSet::find(kj::StringPtr kind) {
  std::lock_guard lock(mutex_);
  auto found = engines_.find(kind.cStr());
  if (found == engines_.end()) return nullptr;
  return *found->second;
}

kj::Vector<StorageEngine*> EngineSet::opened() {
  std::lock_guard lock(mutex_);
  kj::Vector<StorageEngine*> all;
  for (auto& [kind, engine] : engines_)
    all.add(engine.get());
  return all;
}

void EngineSet::close() {
  std::lock_guard opening(opening_);
  std::lock_guard lock(mutex_);
  kj::Maybe<kj::Exception> failure;
  for (auto& [kind, engine] : engines_) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&, &e = *engine] { e.close(); })) {
      KJ_LOG(ERROR, "a storage engine could not be closed cleanly; the next start recovers it", kind.c_str(),
             exception->getDescription());
      // On a full device nothing more can be done, and nothing acknowledged is in danger.
      if (exception->getType() != kj::Exception::Type::OVERLOADED && failure == nullptr) failure = kj::mv(*exception);
    }
  }
  engines_.clear();
  KJ_IF_MAYBE(exception, failure) kj::throwFatalException(kj::mv(*exception));
}

}  // namespace cambium
