#include "backends/rocksdb/durable_ends.h"

#include <rocksdb/env.h>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/durable_file.h"
#include "backends/rocksdb/store_files.h"
#include "backends/rocksdb/wal_end.h"
#include "engine/base/crc32c.h"

namespace cambium::rocks {

namespace {

constexpr uint32_t kFormat = 1;
constexpr size_t kChecksumBytes = 4;
constexpr size_t kHeadBytes = kChecksumBytes + 4 + 8 + 8 + 8 + 4;
constexpr size_t kWalBytes = 16;
constexpr size_t kWalsMax = (kDurableSlotBytes - kHeadBytes) / kWalBytes;
// A multiple of the blocks in which the library writes its logs: no record crosses the end of one.
constexpr size_t kPieceBytes = 1 << 20;

kj::Maybe<NumberedEnds> decodeSlot(ByteView slot) {
  ByteReader reader(slot);
  auto checksum = reader.uint32();
  auto format = reader.uint32();
  NumberedEnds numbered;
  numbered.version = reader.uint64();
  numbered.ends.manifest = reader.uint64();
  numbered.ends.manifestBytes = reader.uint64();
  auto count = reader.uint32();
  if (reader.failed() || format != kFormat || count > kWalsMax || reader.remaining() < count * kWalBytes)
    return nullptr;
  if (crc32c(slot.slice(kChecksumBytes, kHeadBytes + count * kWalBytes)) != checksum) return nullptr;
  for (uint32_t i = 0; i < count; ++i) {
    auto number = reader.uint64();
    numbered.ends.walBytes[number] = reader.uint64();
  }
  return numbered;
}

[[noreturn]] void refuse(kj::StringPtr folder, kj::String what) {
  kj::throwFatalException(kj::Exception(
      kj::Exception::Type::FAILED, __FILE__, __LINE__,
      kj::str(what,
              ": data that was acknowledged is missing or damaged, and nothing was changed. Restore the file, or the "
              "whole folder ",
              folder, ", from a copy. To go on without what is lost, remove ", folder, "/", kDurableFile)));
}

void requireEnd(rocksdb::Env& env, kj::StringPtr folder, const std::string& name, uint64_t bytes) {
  auto path = kj::str(folder, "/", name.c_str());
  if (!env.FileExists(path.cStr()).ok())
    refuse(folder, kj::str(path, " is missing, of which ", bytes, " bytes were durable"));
  bool isFolder = false;
  if (env.IsDirectory(path.cStr(), &isFolder).ok() && isFolder)
    refuse(folder, kj::str(path, " is a folder and no file"));
  uint64_t size = 0;
  check(env.GetFileSize(path.cStr(), &size), kj::str("looking at ", path));
  if (size < bytes) refuse(folder, kj::str(path, " holds ", size, " bytes, of which ", bytes, " were durable"));

  std::unique_ptr<rocksdb::SequentialFile> file;
  check(env.NewSequentialFile(path.cStr(), &file, rocksdb::EnvOptions()), kj::str("opening ", path));
  auto piece = kj::heapArray<char>(kj::min(size, uint64_t{kPieceBytes}));
  for (uint64_t at = 0; at < bytes;) {
    rocksdb::Slice got;
    check(file->Read(piece.size(), &got, piece.begin()), kj::str("reading ", path));
    auto view = kj::arrayPtr(got.data(), got.size()).asBytes();
    KJ_IF_MAYBE(unsound, findUnsound(view)) {
      if (at + *unsound < bytes) {
        refuse(folder, kj::str(path, " is damaged at position ", at + *unsound, ", before the ", bytes,
                               " bytes that were durable end"));
      }
      return;
    }
    if (got.empty()) return;  // it became shorter meanwhile: opening the store finds that
    at += got.size();
  }
}

}  // namespace

kj::Array<kj::byte> encodeSlot(const NumberedEnds& numbered) {
  auto& wals = numbered.ends.walBytes;
  auto count = kj::min(wals.size(), kWalsMax);
  ByteWriter slot(kHeadBytes + count * kWalBytes);
  slot.uint32(0);
  slot.uint32(kFormat);
  slot.uint64(numbered.version);
  slot.uint64(numbered.ends.manifest);
  slot.uint64(numbered.ends.manifestBytes);
  slot.uint32(static_cast<uint32_t>(count));
  auto wal = wals.begin();
  std::advance(wal, wals.size() - count);
  for (; wal != wals.end(); ++wal) {
    slot.uint64(wal->first);
    slot.uint64(wal->second);
  }
  storeBigEndian(slot.written().begin(), crc32c(slot.written().slice(kChecksumBytes, slot.size())));
  return slot.finish();
}

kj::Maybe<NumberedEnds> decodeSlots(ByteView file) {
  kj::Maybe<NumberedEnds> newest;
  for (size_t i = 0; i < kDurableSlots; ++i) {
    auto begin = kj::min(i * kDurableSlotBytes, file.size());
    auto end = kj::min((i + 1) * kDurableSlotBytes, file.size());
    KJ_IF_MAYBE(found, decodeSlot(file.slice(begin, end))) {
      KJ_IF_MAYBE(other, newest) {
        if (other->version > found->version) continue;
      }
      newest = kj::mv(*found);
    }
  }
  return newest;
}

void requireDurableEnds(rocksdb::Env& env, kj::StringPtr folder, const DurableEnds& ends) {
  if (ends.manifest != 0) {
    auto current = currentManifest(env, folder.cStr());
    auto number = manifestNumber(current);
    KJ_IF_MAYBE(found, number) {
      // A later one begins with all there was.
      if (*found < ends.manifest) {
        refuse(folder, kj::str(folder, "/CURRENT names ", current.c_str(), ", which is older than ",
                               manifestName(ends.manifest).c_str()));
      }
      if (*found == ends.manifest) requireEnd(env, folder, current, ends.manifestBytes);
    } else {
      refuse(folder,
             kj::str(folder, "/CURRENT does not name a manifest such as ", manifestName(ends.manifest).c_str()));
    }
  }
  for (auto& [number, bytes] : ends.walBytes) {
    if (bytes > 0) requireEnd(env, folder, walName(number), bytes);
  }
}

}  // namespace cambium::rocks
