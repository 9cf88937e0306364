#include "backends/native/native_files.h"

namespace cambium {

namespace {

constexpr FileKind kKinds[] = {
    {"lock"_kj, "held while the engine is open"_kj},
    {"recovery-checkpoint"_kj, "the logs at the last clean stop"_kj},
    {"recovery-checkpoint.damaged"_kj, "one that recovery set aside"_kj},
    {"tables"_kj, "the folder of the tables"_kj},
    {"tables.sync-mark"_kj, "how far their journal was synced"_kj},
    {"tables/#.journal"_kj, "commits to the tables"_kj},
    {"tables/#.snapshot"_kj, "the tables when that journal began"_kj},
    {"tables/#.journal.cut-#"_kj, "a torn end that recovery set aside"_kj},
    {"*.*-delete"_kj, "a log that is being removed"_kj},
    {"*.*-delete/*"_kj, "its files"_kj},
    {"*.#-unclaimed"_kj, "a log that was never durable, set aside"_kj},
    {"*.#-unclaimed/*"_kj, "its files"_kj},
    {"*/partition.metadata"_kj, "whose log it is"_kj},
    {"*/log-state"_kj, "how far the log is known to be good"_kj},
    {"*/log-state.damaged"_kj, "one that recovery set aside"_kj},
    {"*/sync-mark"_kj, "how far the log was synced"_kj},
    {"*/#.log"_kj, "batches"_kj},
    {"*/#.index"_kj, "where batches lie"_kj},
    {"*/#.timeindex"_kj, "when batches were made"_kj},
    {"*/#.*.#.cleaned"_kj, "a segment that is being rewritten"_kj},
    {"*/#.*.swap"_kj, "a rewritten segment on its way into place"_kj},
    {"*/#.log.cut-#"_kj, "a torn end that recovery set aside"_kj},
    {"*/#.log.cut"_kj, "a segment behind a torn one, set aside"_kj},
    {"*.tmp"_kj, "a file that will replace another"_kj},
    {"tables/*.tmp"_kj, "the same"_kj},
    {"*/*.tmp"_kj, "the same"_kj},
    {"*"_kj, "the folder of a log"_kj},
};

}  // namespace

kj::ArrayPtr<const FileKind> nativeFileKinds() {
  return kKinds;
}

}  // namespace cambium
