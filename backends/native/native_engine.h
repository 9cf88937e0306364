#pragma once

#include "engine/storage/file_system.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// Opens the storage engine over segment files. Below `folder`:
//
//     words-0/                 one folder per log, named after it (log_folder.h)
//     words-0.<id>-delete/     a log that was dropped, until it is gone
//     words-0.<n>-unclaimed/   batches of a log that a crash left without its identity; never anything durable
//     tables/                  table_journal.h, table_snapshot.h; of the engine itself the table "native_logs", which
//                              says which logs there are: the key a log's name, the value its incarnation
//     tables.sync-mark         how far the tables' journal was synced (sync_mark.h)
//     recovery-checkpoint      what was true at the last clean stop (log_checkpoint.h)
//     lock                     held while the engine is open
//
// Makes the folder when there is none. Throws when another process has it open, or when its tables are damaged. The
// file system lives as long as the engine.
kj::Own<StorageEngine> openNativeEngine(FileSystem& fileSystem, kj::StringPtr folder, EngineOptions options);

}  // namespace cambium
