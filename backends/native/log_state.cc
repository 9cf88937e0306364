#include "backends/native/log_state.h"

#include "backends/native/format_version.h"
#include "engine/base/crc32c.h"

namespace cambium {

namespace {

constexpr int32_t kMagic = 0x434d4c53;  // "CMLS"
constexpr int32_t kVersion = 1;
constexpr size_t kChecksummedFrom = 8;
constexpr size_t kSegmentBytes = 56;

enum Flag : int8_t { kResetting = 1, kClean = 2, kLost = 4 };

// Whether the parts agree with one another. The start may lie beyond the segments: deletions reach what is not durable.
bool isConsistent(const LogState& state) {
  if (state.start < Offset(0)) return false;
  for (size_t i = 0; i < state.segments.size(); ++i) {
    auto& segment = state.segments[i];
    if (segment.base < Offset(0) || segment.end < segment.base) return false;
    if (segment.maxTimestampOffset < segment.base || segment.maxTimestampOffset > segment.end) return false;
    if (i > 0 && state.segments[i - 1].end != segment.base) return false;
  }
  return state.resetting || state.segments.empty() || state.start >= state.segments[0].base;
}

}  // namespace

LogState LogState::clone() const {
  LogState copy;
  copy.session = session;
  copy.incarnation = incarnation;
  copy.start = start;
  copy.resetting = resetting;
  copy.clean = clean;
  copy.lost = lost;
  copy.segments.addAll(segments);
  return copy;
}

void LogState::write(ByteWriter& out) const {
  out.uint64(session);
  out.bytes(incarnation.bytes());
  out.int64(start.value());
  out.int8(static_cast<int8_t>((resetting ? kResetting : 0) | (clean ? kClean : 0) | (lost ? kLost : 0)));
  out.uint32(static_cast<uint32_t>(segments.size()));
  for (auto& segment : segments) {
    out.int64(segment.base.value());
    out.int64(segment.end.value());
    out.uint64(segment.bytes);
    out.int64(segment.firstTimestamp.value());
    out.int64(segment.maxTimestamp.value());
    out.int64(segment.maxTimestampOffset.value());
    out.uint32(segment.offsetEntries);
    out.uint32(segment.timeEntries);
  }
}

LogState LogState::read(ByteReader& in) {
  LogState state;
  state.session = in.uint64();
  ByteView incarnation = in.bytes(16);
  if (!in.failed()) state.incarnation = Uuid::fromBytes(incarnation);
  state.start = Offset(in.int64());
  int8_t flags = in.int8();
  state.resetting = (flags & kResetting) != 0;
  state.clean = (flags & kClean) != 0;
  state.lost = (flags & kLost) != 0;
  uint32_t count = in.uint32();
  if (count > in.remaining() / kSegmentBytes) in.fail();
  if (in.failed()) return state;
  state.segments.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    SegmentSummary segment;
    segment.base = Offset(in.int64());
    segment.end = Offset(in.int64());
    segment.bytes = in.uint64();
    segment.firstTimestamp = TimestampMs(in.int64());
    segment.maxTimestamp = TimestampMs(in.int64());
    segment.maxTimestampOffset = Offset(in.int64());
    segment.offsetEntries = in.uint32();
    segment.timeEntries = in.uint32();
    state.segments.add(segment);
  }
  if (!isConsistent(state)) in.fail();
  return state;
}

kj::Array<kj::byte> encodeLogState(const LogState& state) {
  ByteWriter out(64 + state.segments.size() * kSegmentBytes);
  out.int32(kMagic);
  out.uint32(0);
  out.int32(kVersion);
  state.write(out);
  auto written = out.written();
  storeBigEndian(written.begin() + 4, crc32c(written.slice(kChecksummedFrom, written.size())));
  return out.finish();
}

uint32_t checksumOf(ByteView logStateFile) {
  return logStateFile.size() < kChecksummedFrom ? 0 : loadBigEndian<uint32_t>(logStateFile.begin() + 4);
}

kj::Maybe<LogState> decodeLogState(ByteView file) {
  ByteReader in(file);
  if (in.int32() != kMagic) return nullptr;
  uint32_t crc = in.uint32();
  if (in.failed() || crc != crc32c(file.slice(kChecksummedFrom, file.size()))) return nullptr;
  requireKnownVersion("log-state", in.int32(), kVersion);
  LogState state = LogState::read(in);
  if (!in.finished()) return nullptr;
  return kj::mv(state);
}

void LogStateFile::write(uint64_t ticket, ByteView contents) const {
  auto progress = progress_.lock();
  if (ticket <= progress->written) return;
  progress->checksum = nullptr;
  replaceFile(fileSystem_, path_, contents);
  progress->checksum = checksumOf(contents);
  progress->written = ticket;
}

void LogStateFile::writeAround(ByteView contents, kj::FunctionParam<void()> step) const {
  auto progress = progress_.lock();
  prepareReplacement(fileSystem_, path_, contents);
  progress->checksum = nullptr;
  step();
  commitReplacement(fileSystem_, path_);
  progress->checksum = checksumOf(contents);
  progress->written = ++progress->issued;
}

uint32_t LogStateFile::checksum(Progress& progress) const {
  KJ_IF_MAYBE(known, progress.checksum) return *known;
  kj::byte head[kChecksummedFrom] = {};
  size_t size = 0;
  if (fileSystem_.exists(path_)) size = fileSystem_.open(path_, FileSystem::Mode::kRead)->read(0, head);
  auto& known = progress.checksum.emplace(checksumOf(kj::arrayPtr(head, size)));
  return known;
}

void LogStateFile::mark(uint64_t ticket, const SegmentSummary& segment, bool durably) const {
  auto progress = progress_.lock();
  if (ticket < progress->written || ticket < progress->marked) return;
  kj::runCatchingExceptions([&] {
    SyncMark mark;
    mark.state = checksum(*progress);
    mark.file = static_cast<uint64_t>(segment.base.value());
    mark.bytes = segment.bytes;
    mark.end = static_cast<uint64_t>(segment.end.value());
    mark_.write(mark);
    if (durably) mark_.sync();
    progress->marked = ticket;
  });
}

}  // namespace cambium
