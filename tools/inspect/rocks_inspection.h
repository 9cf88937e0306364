#pragma once

#include "tools/inspect/native_inspector.h"

namespace cambium {
class RocksInspector;
}

namespace cambium::tools {

// Looks at a store of the RocksDB engine.
class RocksStoreInspector {
 public:
  // `path` is the system's. Complains, and does nothing further, when the store cannot be opened.
  RocksStoreInspector(Inspection& inspection, kj::String path);
  ~RocksStoreInspector() noexcept(false);
  KJ_DISALLOW_COPY(RocksStoreInspector);

  // Buckets and tables; fills `catalogue`, which may be null.
  void runState(TopicCatalogue* catalogue);
  void runLogs();

  // Whether the store could be opened.
  bool opened() const { return store_ != nullptr; }
  // Known after runLogs().
  kj::ArrayPtr<const HeldLog> logs() const { return logs_.asPtr(); }

 private:
  void runLog(kj::StringPtr name);
  void verify();

  Inspection& inspection_;
  const kj::String path_;
  kj::Maybe<kj::Own<RocksInspector>> store_;
  kj::Vector<HeldLog> logs_;
};

}  // namespace cambium::tools
