#pragma once

#include "tools/inspect/log_inspector.h"
#include "tools/inspect/tables_inspector.h"

namespace cambium::tools {

// A log that a store holds.
struct HeldLog {
  kj::String name;
  kj::Maybe<Uuid> id;  // null: could not be read
};

// Looks at a whole folder of the native engine.
class NativeInspector {
 public:
  // `folder` lies below the root of `files`, outlives this.
  NativeInspector(Inspection& inspection, FileSystem& files, kj::StringPtr folder);

  // The checkpoint and the tables; fills `catalogue`, which may be null.
  void runState(TopicCatalogue* catalogue);
  void runLogs();

  // Known after runLogs().
  kj::ArrayPtr<const HeldLog> logs() const { return logs_.asPtr(); }
  // Whether the engine was closed and nothing written since.
  bool clean() const;
  // Whether the checkpoint lists this log.
  bool lists(kj::StringPtr name, const Uuid& id) const;

 private:
  kj::String path(kj::StringPtr name) const;

  Inspection& inspection_;
  FileSystem& files_;
  const kj::StringPtr folder_;
  kj::Maybe<LogCheckpoint> checkpoint_;
  kj::Vector<HeldLog> logs_;
};

}  // namespace cambium::tools
