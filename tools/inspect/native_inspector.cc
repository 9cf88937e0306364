#include "tools/inspect/native_inspector.h"

#include "backends/native/log_metadata.h"

namespace cambium::tools {

namespace {
constexpr kj::StringPtr kTables = "tables"_kj;
constexpr kj::StringPtr kDroppedSuffix = "-delete"_kj;
}  // namespace

NativeInspector::NativeInspector(Inspection& inspection, FileSystem& files, kj::StringPtr folder)
    : inspection_(inspection), files_(files), folder_(folder) {
  checkpoint_ = readCheckpoint(inspection, files, path(kCheckpointName));
}

kj::String NativeInspector::path(kj::StringPtr name) const {
  return folder_.size() == 0 ? kj::str(name) : kj::str(folder_, "/", name);
}

bool NativeInspector::clean() const {
  KJ_IF_MAYBE(checkpoint, checkpoint_) return checkpoint->clean;
  return false;
}

bool NativeInspector::lists(kj::StringPtr name, const Uuid& id) const {
  KJ_IF_MAYBE(checkpoint, checkpoint_) {
    for (auto& log : checkpoint->logs) {
      if (log.name == name && log.state.incarnation == id) return true;
    }
  }
  return false;
}

void NativeInspector::runState(TopicCatalogue* catalogue) {
  auto& report = inspection_.report;
  report.flag("clean", clean());
  KJ_IF_MAYBE(checkpoint, checkpoint_) report.number("session", static_cast<int64_t>(checkpoint->session));
  auto tables = path(kTables);
  inspection_.guard(files_.describe(tables), [&] { TablesInspector(inspection_, files_, tables, catalogue).run(); });
}

void NativeInspector::runLogs() {
  for (auto& entry : files_.list(folder_)) {
    if (!entry.isDirectory || entry.name == kTables) continue;
    auto folder = path(entry.name);
    if (entry.name.endsWith(kDroppedSuffix)) {
      inspection_.note(files_.describe(folder), kj::str("a log that was dropped; the next start removes it"));
      continue;
    }
    kj::Maybe<const LogCheckpoint&> checkpoint;
    KJ_IF_MAYBE(present, checkpoint_) checkpoint = *present;
    HeldLog held{kj::str(entry.name), nullptr};
    inspection_.guard(files_.describe(folder), [&] {
      if (!inspection_.wantsLog(entry.name)) {
        held.id = readLogMetadata(files_, folder);
        return;
      }
      LogInspector log(inspection_, files_, folder, checkpoint);
      held.id = log.incarnation();
      log.run();
    });
    logs_.add(kj::mv(held));
  }
}

}  // namespace cambium::tools
