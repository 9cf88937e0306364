#include "backends/native/sync_mark.h"

#include <kj/debug.h>

#include "backends/native/format_version.h"
#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"

namespace cambium {

namespace {
constexpr int32_t kMagic = 0x434d534d;  // "CMSM"
constexpr int32_t kVersion = 1;
constexpr size_t kChecksummedFrom = 8;
constexpr size_t kMarkBytes = 64;
}  // namespace

uint32_t ownerOf(kj::StringPtr name) {
  return crc32c(name.asBytes());
}

kj::Array<kj::byte> encodeSyncMark(const SyncMark& mark) {
  ByteWriter out(kMarkBytes);
  out.int32(kMagic);
  out.uint32(0);
  out.int32(kVersion);
  out.uint32(mark.owner);
  out.bytes(mark.boot.bytes());
  out.uint32(mark.state);
  out.uint32(0);
  out.uint64(mark.file);
  out.uint64(mark.bytes);
  out.uint64(mark.end);
  auto written = out.written();
  storeBigEndian(written.begin() + 4, crc32c(written.slice(kChecksummedFrom, written.size())));
  return out.finish();
}

kj::Maybe<SyncMark> decodeSyncMark(ByteView file) {
  ByteReader in(file);
  if (file.size() != kMarkBytes || in.int32() != kMagic) return nullptr;
  if (in.uint32() != crc32c(file.slice(kChecksummedFrom, file.size()))) return nullptr;
  requireKnownVersion(kSyncMarkName, in.int32(), kVersion);
  SyncMark mark;
  mark.owner = in.uint32();
  mark.boot = Uuid::fromBytes(in.bytes(16));
  mark.state = in.uint32();
  in.uint32();
  mark.file = in.uint64();
  mark.bytes = in.uint64();
  mark.end = in.uint64();
  return mark;
}

kj::Maybe<SyncMark> readSyncMark(FileSystem& fileSystem, kj::StringPtr path, kj::StringPtr owner,
                                 kj::FunctionParam<void(kj::StringPtr)> complain) {
  if (!fileSystem.exists(path)) return nullptr;
  auto where = fileSystem.describe(path);
  kj::Maybe<SyncMark> mark;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                kj::byte buffer[kMarkBytes + 1];
                size_t size = fileSystem.open(path, FileSystem::Mode::kRead)->read(0, buffer);
                mark = decodeSyncMark(kj::arrayPtr(buffer, size));
              })) {
    complain(kj::str(where, " cannot be read: ", exception->getDescription()));
    return nullptr;
  }
  KJ_IF_MAYBE(m, mark) {
    if (m->owner == ownerOf(owner)) return *m;
    complain(kj::str(where, " belongs to something else than ", owner, " and is not used"));
    return nullptr;
  }
  complain(kj::str(where, " is damaged and is not used; the next sync writes it anew"));
  return nullptr;
}

bool isOfThisBoot(const SyncMark& mark, FileSystem& fileSystem) {
  return !mark.boot.isZero() && mark.boot == fileSystem.bootId();
}

SyncMarkFile::SyncMarkFile(FileSystem& fileSystem, kj::String path, kj::StringPtr owner)
    : fileSystem_(fileSystem), path_(kj::mv(path)), owner_(ownerOf(owner)), boot_(fileSystem.bootId()) {}

void SyncMarkFile::write(SyncMark mark) {
  mark.owner = owner_;
  mark.boot = boot_;
  auto contents = encodeSyncMark(mark);
  kj::runCatchingExceptions([&] {
    if (file_ == nullptr) {
      auto opened = fileSystem_.open(path_, FileSystem::Mode::kCreate);
      if (opened->size() > kMarkBytes) opened->truncate(0);
      file_ = kj::mv(opened);
    }
    auto& file = *KJ_ASSERT_NONNULL(file_);
    file.write(0, contents);
  });
}

void SyncMarkFile::sync() {
  KJ_IF_MAYBE(file, file_) kj::runCatchingExceptions([&, &f = **file] { f.sync(); });
}

}  // namespace cambium
