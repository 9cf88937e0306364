#pragma once

#include <kj/function.h>

#include "engine/base/guarded.h"
#include "engine/base/uuid.h"
#include "engine/storage/file_system.h"

namespace cambium {

// How far a file that grows was durable when it was last synced. Renewed behind every sync and never synced itself, but
// for the first time, so that it costs one write of a few bytes:
//
//     stop of the process   the mark is exact: whoever was told that something is durable was told so after the mark
//     power loss            the mark may be older, and is a lower bound
//
// What is missing or damaged below the mark was durable and is no torn end: recovery refuses to go on without it.
//
// The files "sync-mark" of a log's folder, about its segments, and "tables.sync-mark" beside the tables' folder, about
// their journal. All integers big-endian; the file is 64 bytes long and lies within one sector:
//
//     size
//        4  magic "CMSM"
//        4  CRC-32C of the rest
//        4  version, 1
//        4  CRC-32C of the owner's name: the log's, or "tables"
//       16  identifier of the machine's run (FileSystem::bootId), zeros when it is not known
//        4  of a log: the CRC-32C that its log-state carries, 0 when there is none. With another one the log was cut,
//           reset or rewritten since, and the mark says nothing about its end
//           Of the tables: the CRC-32C of the last commit's body
//        4  zeros
//        8  base offset of the segment, or the tables' generation
//        8  bytes of it that are durable
//        8  the log's durable end, or the sequence of the tables' last commit
struct SyncMark {
  uint32_t owner = 0;
  Uuid boot;
  uint32_t state = 0;
  uint64_t file = 0;
  uint64_t bytes = 0;
  uint64_t end = 0;
};

inline constexpr kj::StringPtr kSyncMarkName = "sync-mark"_kj;

uint32_t ownerOf(kj::StringPtr name);

kj::Array<kj::byte> encodeSyncMark(const SyncMark& mark);
// Null when the contents are damaged; throws when they are of another version.
kj::Maybe<SyncMark> decodeSyncMark(ByteView file);

// The mark of `owner` at `path`: null when there is none, or when it is damaged or another owner's, which `complain`
// hears about.
kj::Maybe<SyncMark> readSyncMark(FileSystem& fileSystem, kj::StringPtr path, kj::StringPtr owner,
                                 kj::FunctionParam<void(kj::StringPtr)> complain);
// True when nothing that a process has written before it died can be missing: the machine has not been started since.
bool isOfThisBoot(const SyncMark& mark, FileSystem& fileSystem);

// Writes one mark again and again. One thread at a time.
class SyncMarkFile final {
 public:
  SyncMarkFile(FileSystem& fileSystem, kj::String path, kj::StringPtr owner);
  KJ_DISALLOW_COPY(SyncMarkFile);

  // Owner and boot are filled in. Never throws: a mark that could not be renewed is a lower bound still.
  void write(SyncMark mark);
  // Makes the mark durable; does not throw either.
  void sync();

 private:
  FileSystem& fileSystem_;
  const kj::String path_;
  const uint32_t owner_;
  const Uuid boot_;
  kj::Maybe<kj::Own<File>> file_;
};

}  // namespace cambium
