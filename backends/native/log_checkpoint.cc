#include "backends/native/log_checkpoint.h"

#include "backends/native/format_version.h"
#include "engine/base/crc32c.h"

namespace cambium {

namespace {
constexpr int32_t kMagic = 0x434d4350;  // "CMCP"
constexpr int32_t kVersion = 1;
constexpr size_t kChecksummedFrom = 8;
// A name of one character and a state without segments.
constexpr size_t kLogBytesMin = 3 + 37;
}  // namespace

kj::Array<kj::byte> encodeCheckpoint(const LogCheckpoint& checkpoint) {
  ByteWriter out(64 + checkpoint.logs.size() * 128);
  out.int32(kMagic);
  out.uint32(0);
  out.int32(kVersion);
  out.uint64(checkpoint.session);
  out.int8(checkpoint.clean ? 1 : 0);
  out.uint32(static_cast<uint32_t>(checkpoint.logs.size()));
  for (auto& log : checkpoint.logs) {
    out.int16(static_cast<int16_t>(log.name.size()));
    out.bytes(log.name.asBytes());
    log.state.write(out);
  }
  auto written = out.written();
  storeBigEndian(written.begin() + 4, crc32c(written.slice(kChecksummedFrom, written.size())));
  return out.finish();
}

kj::Maybe<LogCheckpoint> decodeCheckpoint(ByteView file) {
  ByteReader in(file);
  if (in.int32() != kMagic) return nullptr;
  uint32_t crc = in.uint32();
  if (in.failed() || crc != crc32c(file.slice(kChecksummedFrom, file.size()))) return nullptr;
  requireKnownVersion("recovery-checkpoint", in.int32(), kVersion);
  LogCheckpoint checkpoint;
  checkpoint.session = in.uint64();
  checkpoint.clean = in.int8() != 0;
  uint32_t count = in.uint32();
  if (count > in.remaining() / kLogBytesMin) return nullptr;
  checkpoint.logs.reserve(count);
  for (uint32_t i = 0; i < count && !in.failed(); ++i) {
    auto size = in.int16();
    ByteView name = in.bytes(size < 0 ? SIZE_MAX : static_cast<size_t>(size));
    auto state = LogState::read(in);
    if (in.failed()) return nullptr;
    checkpoint.logs.add(LogCheckpoint::Log{kj::str(name.asChars()), kj::mv(state)});
  }
  if (!in.finished()) return nullptr;
  return kj::mv(checkpoint);
}

}  // namespace cambium
