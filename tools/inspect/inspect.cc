#include "tools/inspect/inspect.h"

#include <filesystem>

#include "backends/native/disk_file_system.h"
#include "tools/inspect/directory_inspector.h"
#include "tools/inspect/recognise.h"

namespace cambium::tools {

namespace {

namespace fs = std::filesystem;

constexpr int kNotRecognised = 2;
constexpr size_t kOpenFilesMax = 32;
constexpr ItemKind kDocument{"inspect"_kj};

// A path cut where the interesting part of it begins.
struct Place {
  kj::String root;  // of the file system
  kj::String rest;  // below it, a folder or a file
};

// `levels` folders above `path` are the root, as far as there are that many.
Place split(const fs::path& path, int levels) {
  fs::path root = path;
  fs::path rest;
  for (int i = 0; i < levels && root.has_relative_path(); ++i) {
    rest = rest.empty() ? root.filename() : root.filename() / rest;
    root = root.parent_path();
  }
  return {kj::str(root.c_str()), kj::str(rest.c_str())};
}

// Of a log's folder, the checkpoint of the store that it lies in.
void inspectLog(Inspection& inspection, const fs::path& path, PathKind kind) {
  bool isFolder = kind == PathKind::kLogFolder;
  auto place = split(path, isFolder ? 1 : 2);
  DiskFileSystem files(place.root, kOpenFilesMax);
  auto folder = isFolder ? kj::str(place.rest) : parentPath(place.rest);
  auto stored = readCheckpoint(inspection, files, kCheckpointName);
  kj::Maybe<const LogCheckpoint&> checkpoint;
  KJ_IF_MAYBE(present, stored) checkpoint = *present;
  LogInspector log(inspection, files, folder, checkpoint);
  auto name = path.filename().string();
  if (kind == PathKind::kLogFolder) log.run();
  if (kind == PathKind::kSegmentFile) log.runSegment(KJ_ASSERT_NONNULL(parseSegmentFileName(name.c_str(), kLogSuffix)));
  for (auto suffix : {kIndexSuffix, kTimeIndexSuffix}) {
    KJ_IF_MAYBE(base, parseSegmentFileName(name.c_str(), suffix)) log.runIndex(*base, suffix);
  }
}

void inspectTables(Inspection& inspection, const fs::path& path, PathKind kind) {
  auto place = split(path, kind == PathKind::kTablesFolder ? 0 : 1);
  DiskFileSystem files(place.root, kOpenFilesMax);
  TablesInspector tables(inspection, files, "", nullptr);
  if (kind == PathKind::kTablesFolder) tables.run();
  if (kind == PathKind::kSnapshotFile) tables.runSnapshot(place.rest);
  if (kind == PathKind::kJournalFile) tables.runJournal(place.rest);
}

void inspectState(Inspection& inspection, const fs::path& path, PathKind kind) {
  auto place = split(path, 1);
  DiskFileSystem files(place.root, kOpenFilesMax);
  if (kind == PathKind::kCheckpointFile) {
    KJ_IF_MAYBE(checkpoint, readCheckpoint(inspection, files, place.rest)) printCheckpoint(inspection, *checkpoint);
  } else {
    KJ_IF_MAYBE(state, readLogState(inspection, files, place.rest)) printLogState(inspection, *state);
  }
}

void inspectFolder(Inspection& inspection, const fs::path& path, PathKind kind) {
  auto root = kj::str(path.c_str());
  if (kind == PathKind::kRocksStore) {
    RocksStoreInspector store(inspection, kj::mv(root));
    store.runState(nullptr);
    store.runLogs();
    return;
  }
  DiskFileSystem files(root, kOpenFilesMax);
  if (kind == PathKind::kDataDirectory) {
    DirectoryInspector(inspection, files, root).run();
    return;
  }
  NativeInspector store(inspection, files, "");
  store.runState(nullptr);
  store.runLogs();
}

void dispatch(Inspection& inspection, const fs::path& path, PathKind kind) {
  switch (kind) {
    case PathKind::kUnknown:
      break;
    case PathKind::kDataDirectory:
    case PathKind::kNativeStore:
    case PathKind::kRocksStore:
      return inspectFolder(inspection, path, kind);
    case PathKind::kLogFolder:
    case PathKind::kSegmentFile:
    case PathKind::kOffsetIndexFile:
    case PathKind::kTimeIndexFile:
      return inspectLog(inspection, path, kind);
    case PathKind::kTablesFolder:
    case PathKind::kJournalFile:
    case PathKind::kSnapshotFile:
      return inspectTables(inspection, path, kind);
    case PathKind::kCheckpointFile:
    case PathKind::kLogStateFile:
      return inspectState(inspection, path, kind);
  }
}

}  // namespace

int inspect(const InspectOptions& options, Output& out) {
  std::error_code error;
  fs::path path = fs::canonical(options.path.cStr(), error);
  if (error) {
    out.complain(kj::str("cannot look at ", options.path, ": ", error.message().c_str()));
    return kNotRecognised;
  }
  if (!fs::is_directory(path, error) && !fs::is_regular_file(path, error)) {
    // Reading one might wait for ever, or never end.
    out.complain(kj::str(options.path, " is no plain file and no folder, but a pipe, socket or device"));
    return kNotRecognised;
  }
  auto kind = PathKind::kUnknown;
  try {
    kind = recognise(path.c_str());
  } catch (const fs::filesystem_error& failure) {
    out.complain(kj::str("cannot look at ", options.path, ": ", failure.code().message().c_str()));
    return kNotRecognised;
  }
  if (kind == PathKind::kUnknown) {
    out.complain(kj::str(options.path,
                         " is nothing that is known here; expected a data directory, a store, a partition's folder, "
                         "or a .log, .index, .timeindex, .journal, .snapshot, log-state or recovery-checkpoint file"));
    return kNotRecognised;
  }
  bool quiet = options.verify && !options.listsBatches() && !options.entries;
  auto report = options.json ? newJsonReport(out) : newTextReport(out, quiet);
  Inspection inspection(options, *report, out);
  report->open(kDocument);
  report->text("path", path.c_str());
  report->text("kind", kindName(kind));
  report->flag("verified", options.verify);
  inspection.guard(path.c_str(), [&] { dispatch(inspection, path, kind); });
  report->close();
  return inspection.finish();
}

}  // namespace cambium::tools
