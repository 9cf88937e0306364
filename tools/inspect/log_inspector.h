#pragma once

#include "backends/native/log_folder.h"
#include "tools/inspect/log_knowledge.h"
#include "tools/inspect/segment_inspector.h"

namespace cambium::tools {

// Looks at the folder of one log of the native engine.
class LogInspector {
 public:
  // `folder` lies below the root of `files` and outlives this, as `checkpoint` does; that one is null where the log
  // lies alone.
  LogInspector(Inspection& inspection, FileSystem& files, kj::StringPtr folder,
               kj::Maybe<const LogCheckpoint&> checkpoint);

  void run();
  // The segment of one of the folder's files alone, with its batches.
  void runSegment(Offset base);
  // One index file of it; compares it with its segment when verifying.
  void runIndex(Offset base, kj::StringPtr suffix);

  // From partition.metadata; null when it cannot be read.
  const kj::Maybe<Uuid>& incarnation() const { return incarnation_; }

 private:
  struct Found {
    Offset base;
    uint64_t bytes;
  };

  kj::String path(kj::StringPtr name) const;
  kj::Maybe<const SegmentSummary&> knownOf(Offset base) const;
  SegmentPlace placeOf(size_t index) const;
  bool wants(size_t index) const;
  void printLog();
  void checkMetadata();
  void checkListed();
  void checkMarked();
  void checkStrays();

  Inspection& inspection_;
  FileSystem& files_;
  const kj::StringPtr folder_;
  const kj::String name_;
  kj::Maybe<Uuid> incarnation_;
  LogKnowledge known_;
  kj::Vector<Found> found_;
};

}  // namespace cambium::tools
