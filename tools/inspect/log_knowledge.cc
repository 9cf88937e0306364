#include "tools/inspect/log_knowledge.h"

#include "engine/base/crc32c.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kCheckpointItem{"checkpoint"_kj};
constexpr ItemKind kStateItem{"state"_kj};
constexpr ItemKind kKnownLogItem{"known-log"_kj, "knownLogs"_kj};
constexpr ItemKind kKnownSegmentItem{"known"_kj, "knownSegments"_kj};
constexpr int kNumberWidth = 10;

// Checkpoints, states and snapshots alike: magic (4), checksum of what follows it (4).
void complainOfChecksummed(Inspection& inspection, FileSystem& files, kj::StringPtr path, ByteView contents,
                           kj::StringPtr what) {
  Finding finding{.file = files.describe(path), .position = uint64_t{0}, .what = kj::str("the ", what, " is damaged")};
  if (contents.size() >= 8) {
    uint32_t stored = loadBigEndian<uint32_t>(contents.begin() + 4);
    uint32_t computed = crc32c(contents.slice(8, contents.size()));
    if (stored != computed) {
      finding.what = kj::str("the ", what, " does not match its checksum");
      finding.position = uint64_t{4};
      finding.expected = showChecksum(stored);
      finding.found = showChecksum(computed);
    } else {
      finding.what =
          kj::str("the ", what,
                  " has another magic number or version than this program knows, or does not end where it should");
    }
  } else {
    finding.found = kj::str(contents.size(), " bytes");
  }
  inspection.add(kj::mv(finding));
}

void printState(Inspection& inspection, const LogState& state) {
  auto& report = inspection.report;
  report.number("session", static_cast<int64_t>(state.session));
  report.text("id", kj::str(state.incarnation));
  report.number("startOffset", state.start.value(), kNumberWidth);
  report.flag("clean", state.clean);
  report.flag("resetting", state.resetting);
  report.flag("lost", state.lost);
  for (auto& segment : state.segments) {
    report.open(kKnownSegmentItem);
    report.number("baseOffset", segment.base.value(), kNumberWidth);
    report.number("endOffset", segment.end.value(), kNumberWidth);
    report.number("bytes", static_cast<int64_t>(segment.bytes), kNumberWidth);
    report.time("firstTimestamp", segment.firstTimestamp);
    report.time("maxTimestamp", segment.maxTimestamp);
    report.number("maxTimestampOffset", segment.maxTimestampOffset.value(), kNumberWidth);
    report.number("indexEntries", segment.offsetEntries, 6);
    report.number("timeIndexEntries", segment.timeEntries, 6);
    report.close();
  }
}

}  // namespace

kj::Maybe<LogCheckpoint> readCheckpoint(Inspection& inspection, FileSystem& files, kj::StringPtr path) {
  if (!files.exists(path)) return nullptr;
  auto contents = readWholeFile(files, path);
  auto checkpoint = decodeCheckpoint(contents);
  if (checkpoint == nullptr) complainOfChecksummed(inspection, files, path, contents, "recovery checkpoint");
  return checkpoint;
}

kj::Maybe<LogState> readLogState(Inspection& inspection, FileSystem& files, kj::StringPtr path) {
  if (!files.exists(path)) return nullptr;
  auto contents = readWholeFile(files, path);
  auto state = decodeLogState(contents);
  if (state == nullptr) complainOfChecksummed(inspection, files, path, contents, "state of the log");
  return state;
}

void printCheckpoint(Inspection& inspection, const LogCheckpoint& checkpoint) {
  auto& report = inspection.report;
  report.open(kCheckpointItem);
  report.number("session", static_cast<int64_t>(checkpoint.session));
  report.flag("clean", checkpoint.clean);
  report.number("logCount", static_cast<int64_t>(checkpoint.logs.size()));
  for (auto& log : checkpoint.logs) {
    if (!inspection.wantsLog(log.name)) continue;
    report.open(kKnownLogItem);
    report.text("name", log.name);
    printState(inspection, log.state);
    report.close();
  }
  report.close();
}

void printLogState(Inspection& inspection, const LogState& state) {
  inspection.report.open(kStateItem);
  printState(inspection, state);
  inspection.report.close();
}

namespace {

void learnMark(Inspection& inspection, FileSystem& files, kj::StringPtr folder, kj::StringPtr name,
               LogKnowledge& known) {
  auto below = [&](kj::StringPtr file) { return folder.size() == 0 ? kj::str(file) : kj::str(folder, "/", file); };
  auto path = below(kSyncMarkName);
  auto found = readSyncMark(files, path, name, [&](kj::StringPtr line) {
    if (inspection.options.verify) inspection.warning(files.describe(path), kj::str(line));
  });
  KJ_IF_MAYBE(mark, found) {
    known.sameBoot = isOfThisBoot(*mark, files);
    auto statePath = below(kLogStateName);
    uint32_t checksum = files.exists(statePath) ? checksumOf(readWholeFile(files, statePath)) : 0;
    if (mark->state == checksum) known.mark = *mark;
  }
}

}  // namespace

LogKnowledge learn(Inspection& inspection, FileSystem& files, kj::StringPtr folder, kj::StringPtr name,
                   const kj::Maybe<Uuid>& incarnation, kj::Maybe<const LogCheckpoint&> checkpoint) {
  LogKnowledge known;
  auto isSame = [&](const LogState& state) {
    KJ_IF_MAYBE(id, incarnation) return state.incarnation == *id;
    return true;
  };
  bool storeClean = false;
  KJ_IF_MAYBE(all, checkpoint) {
    storeClean = all->clean;
    for (auto& log : all->logs) {
      if (log.name == name && isSame(log.state)) {
        known.state = log.state.clone();
        known.clean = all->clean && log.state.clean;
      }
    }
  }
  auto statePath = folder.size() == 0 ? kj::str(kLogStateName) : kj::str(folder, "/", kLogStateName);
  KJ_IF_MAYBE(own, readLogState(inspection, files, statePath)) {
    bool later = true;
    KJ_IF_MAYBE(state, known.state) later = own->session > state->session;
    if (later && isSame(*own)) {
      known.clean = storeClean && own->clean;
      known.state = kj::mv(*own);
    }
  } else {
    known.stateDamaged = files.exists(statePath);
  }
  learnMark(inspection, files, parentPath(statePath), name, known);
  return known;
}

}  // namespace cambium::tools
