#pragma once

#include "backends/native/log_checkpoint.h"
#include "tools/inspect/inspection.h"

namespace cambium::tools {

// The recovery checkpoint of a native store, if there is one that can be read; complains about a damaged one when
// verifying.
kj::Maybe<LogCheckpoint> readCheckpoint(Inspection& inspection, FileSystem& files, kj::StringPtr path);
// The log-state file of a log's folder, in the same way.
kj::Maybe<LogState> readLogState(Inspection& inspection, FileSystem& files, kj::StringPtr path);

// Prints a checkpoint and the logs in it.
void printCheckpoint(Inspection& inspection, const LogCheckpoint& checkpoint);
void printLogState(Inspection& inspection, const LogState& state);

// What the store says about one log, before its batches are looked at.
struct LogKnowledge {
  kj::Maybe<LogState> state;  // of the later session
  bool clean = false;         // the log was closed, and nothing written since
  bool stateDamaged = false;
  kj::Maybe<SyncMark> mark;  // that goes with the log-state file
  bool sameBoot = false;     // the machine was not started since the log was written to
};

// `checkpoint` is the store's, or null; `incarnation` the one in the log's folder.
LogKnowledge learn(Inspection& inspection, FileSystem& files, kj::StringPtr folder, kj::StringPtr name,
                   const kj::Maybe<Uuid>& incarnation, kj::Maybe<const LogCheckpoint&> checkpoint);

}  // namespace cambium::tools
