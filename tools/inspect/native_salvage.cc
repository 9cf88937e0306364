#include <kj/debug.h>

#include "backends/native/log_checkpoint.h"
#include "backends/native/log_metadata.h"
#include "backends/native/native_engine.h"
#include "backends/native/native_tables.h"
#include "tools/inspect/salvage.h"
#include "tools/inspect/segment_walk.h"
#include "tools/inspect/unreadable.h"

namespace cambium::tools {

namespace {

constexpr kj::StringPtr kFolder = "native"_kj;
constexpr kj::StringPtr kRepaired = ".repaired"_kj;
// The engine leaves folders alone whose name ends so.
constexpr kj::StringPtr kAsideSuffix = "-unclaimed"_kj;
constexpr size_t kNameMax = 255;
constexpr size_t kCopyBytes = size_t{1} << 20;

class NativeLogOnDisk final : public SalvageableLog {
 public:
  NativeLogOnDisk(FileSystem& files, kj::StringPtr name) : files_(files), name_(kj::str(name)) {
    KJ_IF_MAYBE(incarnation, readLogMetadata(files_, folder())) {
      state_.incarnation = *incarnation;
    } else {
      KJ_FAIL_REQUIRE(
          "the file partition.metadata of the log is missing or damaged; restore it first (two lines: "
          "version: 0 and topic_id: with the topic's id)",
          files_.describe(folder()));
    }
    for (auto& entry : files_.list(folder())) {
      KJ_IF_MAYBE(base, parseSegmentFileName(entry.name, kLogSuffix)) bases_.add(*base);
    }
    learnState();
  }

  kj::StringPtr engine() override { return "native"_kj; }
  LogId id() override { return {kj::str(name_), state_.incarnation}; }
  Offset start() override { return state_.start; }
  uint64_t session() override { return state_.session; }
  kj::String describeAside() override { return kj::str("moved to ", files_.describe(aside())); }

  void walk(kj::FunctionParam<void(const BatchView&)> batch, kj::FunctionParam<void(LogGap&&)> gap) override;
  void cut(const LogGap& gap) override;

 private:
  kj::String folder() const { return kj::str(kFolder, "/", name_); }
  kj::String pathOf(Offset base, kj::StringPtr suffix) const {
    return kj::str(folder(), "/", segmentFileName(base, suffix));
  }
  kj::String aside() {
    return freePath(files_, kj::str(kFolder, "/", name_.slice(0, kj::min(name_.size(), kNameMax - 20))), kAsideSuffix);
  }
  void learnState();
  SegmentSummary summarise(Offset base, uint64_t bytes);
  void copyHead(Offset base, uint64_t bytes);

  FileSystem& files_;
  kj::String name_;
  kj::Vector<Offset> bases_;  // of the segments, in their order
  Offset marked_{0};          // the end that the sync mark tells, when it goes with the state
  LogState state_;            // the later of those that the store has; without one, from where the first segment begins
};

void NativeLogOnDisk::learnState() {
  auto incarnation = state_.incarnation;
  bool known = false;
  auto consider = [&](LogState& found, bool later) {
    if (found.incarnation != incarnation || (known && !later)) return;
    state_ = found.clone();
    known = true;
  };
  uint64_t session = 0;
  auto checkpointPath = kj::str(kFolder, "/", kCheckpointName);
  if (files_.exists(checkpointPath)) {
    KJ_IF_MAYBE(checkpoint, decodeCheckpoint(readWholeFile(files_, checkpointPath))) {
      session = checkpoint->session;
      for (auto& log : checkpoint->logs) {
        if (log.name == name_) consider(log.state, true);
      }
    }
  }
  auto statePath = kj::str(folder(), "/", kLogStateName);
  uint32_t checksum = 0;
  if (files_.exists(statePath)) {
    auto contents = readWholeFile(files_, statePath);
    checksum = checksumOf(contents);
    KJ_IF_MAYBE(own, decodeLogState(contents)) consider(*own, own->session > state_.session);
  }
  KJ_IF_MAYBE(mark, readSyncMark(files_, kj::str(folder(), "/", kSyncMarkName), name_, [](kj::StringPtr) {})) {
    if (mark->state == checksum) marked_ = Offset(static_cast<int64_t>(mark->end));
  }
  state_.session = kj::max(state_.session, session);
  if (!known && bases_.size() > 0) state_.start = bases_[0];
}

void NativeLogOnDisk::walk(kj::FunctionParam<void(const BatchView&)> batch, kj::FunctionParam<void(LogGap&&)> gap) {
  KJ_REQUIRE(bases_.size() > 0, "the log has no segment any more; --recreate begins it anew",
             files_.describe(folder()));
  Offset next = bases_[0];
  // Where it ends is known with the next sound batch.
  kj::Maybe<LogGap> pending;
  Offset unreadableUpTo = next;
  auto note = [&](Offset segment, uint64_t position, uint64_t bytes, kj::String what) {
    KJ_IF_MAYBE(begun, pending) {
      begun->bytes += bytes;
      return;
    }
    auto where = kj::str(files_.describe(pathOf(segment, kLogSuffix)), " at position ", position);
    pending = LogGap{.first = next,
                     .bytes = bytes,
                     .where = kj::mv(where),
                     .what = kj::mv(what),
                     .segment = segment,
                     .position = position};
  };
  for (auto base : bases_) {
    if (base > next) note(base, 0, 0, kj::str("a segment that begins at offset ", next, " is missing"));
    auto file = files_.open(pathOf(base, kLogSuffix), FileSystem::Mode::kRead);
    SegmentWalk segment(*file, 0, base);
    for (;;) {
      KJ_IF_MAYBE(step, segment.next()) {
        KJ_IF_MAYBE(found, step->batch) {
          if (found->baseOffset() < next) {
            note(base, step->position, step->bytes,
                 kj::str("a batch of offset ", found->baseOffset(), ", which was there already"));
            continue;
          }
          if (found->baseOffset() > next) note(base, step->position, 0, kj::str("no batch holds these offsets"));
          KJ_IF_MAYBE(reason, whyUnreadable(*found)) {
            note(base, step->position, step->bytes, kj::str("a batch whose records cannot be read: ", *reason));
            next = unreadableUpTo = found->nextOffset();
            continue;
          }
          KJ_IF_MAYBE(begun, pending) {
            begun->end = found->baseOffset();
            gap(kj::mv(*begun));
            pending = nullptr;
          }
          batch(*found);
          next = found->nextOffset();
        } else {
          auto detail = step->found.size() > 0 ? kj::str(" (expected ", step->expected, ", found ", step->found, ")")
                                               : kj::String();
          note(base, step->position, step->bytes, kj::str(step->what, detail));
        }
      } else {
        break;
      }
    }
  }
  // The state, or the sync mark, may know of more than there is.
  Offset vouched = state_.segments.size() > 0 && !state_.lost ? state_.segments.back().end : next;
  vouched = kj::max(vouched, marked_);
  if (vouched > next) {
    auto last = bases_.back();
    auto file = files_.open(pathOf(last, kLogSuffix), FileSystem::Mode::kRead);
    note(last, file->size(), 0, kj::str("the log ends too early"));
  }
  KJ_IF_MAYBE(begun, pending) {
    auto end = kj::max(vouched, unreadableUpTo);
    if (end > begun->first) begun->end = end;
    gap(kj::mv(*begun));
  }
}

// What the first `bytes` of a segment hold: sound batches, all of them.
SegmentSummary NativeLogOnDisk::summarise(Offset base, uint64_t bytes) {
  auto file = files_.open(pathOf(base, kLogSuffix), FileSystem::Mode::kRead);
  BatchScan scan(*file, 0, base);
  auto summary = SegmentSummary::empty(base);
  while (summary.bytes < bytes) {
    KJ_IF_MAYBE(batch, scan.next()) {
      if (summary.bytes == 0) summary.firstTimestamp = batch->maxTimestamp();
      if (summary.bytes == 0 || batch->maxTimestamp() > summary.maxTimestamp) {
        summary.maxTimestamp = batch->maxTimestamp();
        summary.maxTimestampOffset = batch->lastOffset();
      }
      summary.bytes += batch->size();
      summary.end = batch->nextOffset();
    } else {
      KJ_FAIL_REQUIRE("the segment changed while it was looked at; is a broker running?",
                      files_.describe(pathOf(base, kLogSuffix)));
    }
  }
  auto entries = [&](kj::StringPtr suffix, size_t entryBytes) -> uint32_t {
    auto path = pathOf(base, suffix);
    if (!files_.exists(path)) return 0;
    return static_cast<uint32_t>(files_.open(path, FileSystem::Mode::kRead)->size() / entryBytes);
  };
  summary.offsetEntries = entries(kIndexSuffix, 8);
  summary.timeEntries = entries(kTimeIndexSuffix, 12);
  return summary;
}

void NativeLogOnDisk::copyHead(Offset base, uint64_t bytes) {
  auto from = files_.open(pathOf(base, kLogSuffix), FileSystem::Mode::kRead);
  auto to = files_.open(kj::str(pathOf(base, kLogSuffix), kRepaired), FileSystem::Mode::kCreate);
  to->truncate(0);
  auto buffer = kj::heapArray<kj::byte>(kCopyBytes);
  for (uint64_t at = 0; at < bytes;) {
    auto piece = buffer.slice(0, kj::min(uint64_t{kCopyBytes}, bytes - at));
    KJ_REQUIRE(from->read(at, piece) == piece.size(), "the segment became shorter while it was copied");
    to->write(at, piece);
    at += piece.size();
  }
  to->sync();
}

// First what shall be there is made and made durable; then a state that wants no more; then what is damaged is moved
// away. Whatever a crash leaves can be repaired again, or is what was wanted.
void NativeLogOnDisk::cut(const LogGap& gap) {
  LogState state;
  state.session = state_.session + 1;
  state.incarnation = state_.incarnation;
  state.start = state_.start;
  // A segment of which nothing is left goes as well, unless it is the only one.
  bool emptied = gap.position == 0 && gap.segment != bases_[0];
  Offset firstGone = gap.segment;
  for (auto base : bases_) {
    if (base > gap.segment || (base == gap.segment && emptied)) break;
    bool isCut = base == gap.segment;
    auto file = files_.open(pathOf(base, kLogSuffix), FileSystem::Mode::kRead);
    auto summary = summarise(base, isCut ? gap.position : file->size());
    // Its indexes are made anew.
    if (isCut) summary.offsetEntries = summary.timeEntries = 0;
    state.segments.add(summary);
  }
  auto aside = this->aside();
  files_.createDirectory(aside);
  files_.syncDirectory(kFolder);
  if (!emptied) copyHead(gap.segment, gap.position);
  replaceFile(files_, kj::str(folder(), "/", kLogStateName), encodeLogState(state));
  // It speaks of what is given up.
  files_.removeFile(kj::str(folder(), "/", kSyncMarkName));
  for (size_t i = bases_.size(); i-- > 0 && bases_[i] >= firstGone;) {
    for (auto suffix : {kTimeIndexSuffix, kIndexSuffix, kLogSuffix}) {
      auto path = pathOf(bases_[i], suffix);
      if (files_.exists(path)) files_.rename(path, kj::str(aside, "/", segmentFileName(bases_[i], suffix)));
    }
  }
  if (!emptied) {
    auto path = pathOf(gap.segment, kLogSuffix);
    files_.rename(kj::str(path, kRepaired), path);
  }
  files_.syncDirectory(aside);
  files_.syncDirectory(folder());
}

}  // namespace

Offset lastKnownEnd(FileSystem& files, kj::StringPtr name) {
  Offset end(0);
  auto consider = [&](const LogState& state) {
    if (state.segments.size() > 0) end = kj::max(end, state.segments.back().end);
    end = kj::max(end, state.start);
  };
  auto checkpointPath = kj::str(kFolder, "/", kCheckpointName);
  if (files.exists(checkpointPath)) {
    KJ_IF_MAYBE(checkpoint, decodeCheckpoint(readWholeFile(files, checkpointPath))) {
      for (auto& log : checkpoint->logs) {
        if (log.name == name) consider(log.state);
      }
    }
  }
  auto folder = kj::str(kFolder, "/", name);
  auto statePath = kj::str(folder, "/", kLogStateName);
  if (files.exists(statePath)) {
    KJ_IF_MAYBE(own, decodeLogState(readWholeFile(files, statePath))) consider(*own);
  }
  KJ_IF_MAYBE(mark, readSyncMark(files, kj::str(folder, "/", kSyncMarkName), name, [](kj::StringPtr) {})) {
    end = kj::max(end, Offset(static_cast<int64_t>(mark->end)));
  }
  for (auto& entry : files.list(folder)) {
    KJ_IF_MAYBE(base, parseSegmentFileName(entry.name, kLogSuffix)) end = kj::max(end, *base);
  }
  return end;
}

void recreateNativeLog(FileSystem& files, kj::StringPtr name, Offset start, kj::StringPtr aside) {
  auto folder = kj::str(kFolder, "/", name);
  auto incarnation = readLogMetadata(files, folder);
  auto engine = openNativeEngine(files, kFolder, {});
  KJ_IF_MAYBE(row, engine->get(kNativeRegister, name.asBytes())) {
    if (row->size() == 16) incarnation = Uuid::fromBytes(*row);
  }
  LogId id{kj::str(name), KJ_REQUIRE_NONNULL(incarnation, "the store knows of no such log: nothing was changed", name)};
  // Nobody may have it open under its name while it is moved away.
  engine->close();
  engine = nullptr;
  if (files.exists(folder)) {
    files.rename(folder, aside);
    files.syncDirectory(kFolder);
  }
  engine = openNativeEngine(files, kFolder, {});
  engine->drop(id.clone());
  {
    auto log = engine->open(id.clone(), {});
    if (start > Offset(0)) log->resetTo(start);
  }
  engine->close();
}

kj::Own<SalvageableLog> openNativeLog(FileSystem& files, kj::StringPtr name) {
  return kj::heap<NativeLogOnDisk>(files, name);
}

}  // namespace cambium::tools
