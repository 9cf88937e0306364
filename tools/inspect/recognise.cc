#include "tools/inspect/recognise.h"

#include <filesystem>
#include <fstream>

#include "backends/native/log_checkpoint.h"
#include "backends/native/log_folder.h"
#include "tools/inspect/tables_inspector.h"

namespace cambium::tools {

namespace {

namespace fs = std::filesystem;

bool isDirectory(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool isFile(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool isSegmentName(kj::StringPtr name) {
  return parseSegmentFileName(name, kLogSuffix) != nullptr || parseSegmentFileName(name, kIndexSuffix) != nullptr ||
         parseSegmentFileName(name, kTimeIndexSuffix) != nullptr;
}

bool isTablesName(kj::StringPtr name) {
  return snapshotGeneration(name) != nullptr || journalGeneration(name) != nullptr;
}

bool isLogFolder(const fs::path& folder) {
  if (isFile(folder / kMetadataName.cStr()) || isFile(folder / kLogStateName.cStr())) return true;
  for (auto& entry : fs::directory_iterator(folder)) {
    if (isSegmentName(entry.path().filename().c_str())) return true;
  }
  return false;
}

bool isTablesFolder(const fs::path& folder) {
  for (auto& entry : fs::directory_iterator(folder)) {
    if (isTablesName(entry.path().filename().c_str())) return true;
  }
  return false;
}

bool isNativeStore(const fs::path& folder) {
  if (isFile(folder / kCheckpointName.cStr()) || isDirectory(folder / "tables")) return true;
  for (auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory() && isLogFolder(entry.path())) return true;
  }
  return false;
}

bool isRocksStore(const fs::path& folder) {
  if (isFile(folder / "CURRENT")) return true;
  for (auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) return true;
  }
  return false;
}

bool isDataDirectory(const fs::path& folder) {
  return isFile(folder / "cambium.properties") ||
         (isDirectory(folder / "native") && isNativeStore(folder / "native")) ||
         (isDirectory(folder / "rocksdb") && isRocksStore(folder / "rocksdb"));
}

PathKind recogniseFolder(const fs::path& folder) {
  if (isDataDirectory(folder)) return PathKind::kDataDirectory;
  if (isRocksStore(folder)) return PathKind::kRocksStore;
  if (isLogFolder(folder)) return PathKind::kLogFolder;
  if (isTablesFolder(folder)) return PathKind::kTablesFolder;
  if (isNativeStore(folder)) return PathKind::kNativeStore;
  return PathKind::kUnknown;
}

PathKind recogniseFile(const fs::path& path) {
  auto text = path.filename().string();
  kj::StringPtr name = text.c_str();
  if (parseSegmentFileName(name, kLogSuffix) != nullptr) return PathKind::kSegmentFile;
  if (parseSegmentFileName(name, kIndexSuffix) != nullptr) return PathKind::kOffsetIndexFile;
  if (parseSegmentFileName(name, kTimeIndexSuffix) != nullptr) return PathKind::kTimeIndexFile;
  if (journalGeneration(name) != nullptr) return PathKind::kJournalFile;
  if (snapshotGeneration(name) != nullptr) return PathKind::kSnapshotFile;
  if (name == kCheckpointName) return PathKind::kCheckpointFile;
  if (name == kLogStateName) return PathKind::kLogStateFile;
  // Copies under other names.
  char magic[4] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof(magic));
  std::string_view first(magic, sizeof(magic));
  if (first == "CMCP") return PathKind::kCheckpointFile;
  if (first == "CMLS") return PathKind::kLogStateFile;
  if (first == "CMTS") return PathKind::kSnapshotFile;
  return PathKind::kUnknown;
}

}  // namespace

kj::StringPtr kindName(PathKind kind) {
  switch (kind) {
    case PathKind::kUnknown:
      return "unknown"_kj;
    case PathKind::kDataDirectory:
      return "data directory"_kj;
    case PathKind::kNativeStore:
      return "native store"_kj;
    case PathKind::kLogFolder:
      return "partition folder"_kj;
    case PathKind::kTablesFolder:
      return "tables folder"_kj;
    case PathKind::kRocksStore:
      return "RocksDB store"_kj;
    case PathKind::kSegmentFile:
      return "segment"_kj;
    case PathKind::kOffsetIndexFile:
      return "offset index"_kj;
    case PathKind::kTimeIndexFile:
      return "time index"_kj;
    case PathKind::kJournalFile:
      return "tables journal"_kj;
    case PathKind::kSnapshotFile:
      return "tables snapshot"_kj;
    case PathKind::kCheckpointFile:
      return "recovery checkpoint"_kj;
    case PathKind::kLogStateFile:
      return "log state"_kj;
  }
  KJ_UNREACHABLE;
}

PathKind recognise(kj::StringPtr path) {
  fs::path target(path.cStr());
  return isDirectory(target) ? recogniseFolder(target) : recogniseFile(target);
}

}  // namespace cambium::tools
