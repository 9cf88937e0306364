#include "tools/inspect/directory_inspector.h"

#include "engine/broker/directory_checksum.h"
#include "engine/metadata/topic_name.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kPropertiesItem{"properties"_kj};
constexpr ItemKind kNativeItem{"native"_kj};
constexpr ItemKind kRocksItem{"rocksdb"_kj};
constexpr kj::StringPtr kProperties = "cambium.properties"_kj;
constexpr kj::StringPtr kNative = "native"_kj;
constexpr kj::StringPtr kRocks = "rocksdb"_kj;
constexpr size_t kPropertiesBytesMax = 64 << 10;

const HeldLog* find(kj::ArrayPtr<const HeldLog> logs, kj::StringPtr name) {
  for (auto& log : logs) {
    if (log.name == name) return &log;
  }
  return nullptr;
}

bool contains(kj::StringPtr text, kj::StringPtr part) {
  return std::string_view(text.begin(), text.size()).find(std::string_view(part.begin(), part.size())) !=
         std::string_view::npos;
}

}  // namespace

void DirectoryInspector::run() {
  auto& report = inspection_.report;
  printProperties();
  if (files_.list(kNative).size() > 0) {
    report.open(kNativeItem);
    inspection_.guard(files_.describe(kNative), [&] {
      auto& native = *native_.emplace(kj::heap<NativeInspector>(inspection_, files_, kNative));
      readState([&] { native.runState(&catalogue_); });
      native.runLogs();
    });
    report.close();
  }
  if (files_.list(kRocks).size() > 0) {
    report.open(kRocksItem);
    readState([&] {
      rocks_ = kj::heap<RocksStoreInspector>(inspection_, kj::str(path_, "/", kRocks));
      KJ_ASSERT_NONNULL(rocks_)->runState(&catalogue_);
    });
    KJ_ASSERT_NONNULL(rocks_)->runLogs();
    report.close();
  }
  if (inspection_.options.verify) checkTopics();
}

// What went wrong in it may have hidden topics.
void DirectoryInspector::readState(kj::FunctionParam<void()> read) {
  uint64_t before = inspection_.errors();
  read();
  catalogueComplete_ = catalogueComplete_ && inspection_.errors() == before;
}

void DirectoryInspector::printProperties() {
  auto where = files_.describe(kProperties);
  if (!files_.exists(kProperties)) {
    inspection_.warning(kj::mv(where),
                        kj::str("missing; a broker would take this for a new data directory and another cluster"));
    return;
  }
  inspection_.guard(where, [&] {
    auto contents = readWholeFile(files_, kProperties, kPropertiesBytesMax);
    auto& report = inspection_.report;
    report.open(kPropertiesItem);
    kj::String text = kj::heapString(contents.asChars());
    for (kj::StringPtr rest = text; rest.size() > 0;) {
      size_t end = rest.findFirst('\n').orDefault(rest.size());
      auto line = kj::heapString(rest.slice(0, end));
      rest = rest.slice(kj::min(end + 1, rest.size()));
      KJ_IF_MAYBE(equals, line.findFirst('=')) {
        report.text(kj::str(line.slice(0, *equals)), line.slice(*equals + 1));
      }
    }
    report.close();
    if (inspection_.options.verify) checkProperties(where, text);
  });
}

void DirectoryInspector::checkProperties(kj::StringPtr where, kj::StringPtr text) {
  // What was written before there was a checksum, and not opened since.
  if (text.startsWith("format=1\n")) return;
  if (!text.startsWith("format=2\n")) {
    inspection_.add(
        {.file = kj::str(where), .what = kj::str("unknown data format"), .expected = kj::str("a line format=2")});
  } else if (!hasDirectoryChecksum(text)) {
    inspection_.error(kj::str(where), kj::str("the lines do not match the checksum in the last one"));
  }
  for (auto engine : {kNative, kRocks}) {
    KJ_IF_MAYBE(at, text.findFirst('\n')) {
      auto line = text.slice(*at);
      bool isMade = contains(line, kj::str("\nengines=", engine, "\n")) ||
                    contains(line, kj::str("\nengines=", engine, ",")) ||
                    (contains(line, "\nengines=") && contains(line, kj::str(",", engine, "\n")));
      if (isMade && files_.list(engine).size() == 0) {
        inspection_.error(files_.describe(engine), kj::str("gone or empty, but the data directory has a store there"));
      }
    }
  }
}

// Every topic's partitions have their logs, every log has its topic.
void DirectoryInspector::checkTopics() {
  if (!catalogueComplete_) {
    inspection_.note(kj::str(path_), kj::str("not all topics could be read, so they were not compared with the logs"));
    return;
  }
  for (auto& [name, topic] : catalogue_.topics)
    checkTopic(*topic);
  KJ_IF_MAYBE(native, native_) checkOrphans((*native)->logs(), kNative);
  KJ_IF_MAYBE(rocks, rocks_) checkOrphans((*rocks)->logs(), kRocks);
}

void DirectoryInspector::checkTopic(const Topic& topic) {
  for (int32_t i = 0; i < topic.partitionCount(); ++i) {
    if (inspection_.wantsPartition(topic.name(), i)) checkPartition(topic, i);
  }
}

void DirectoryInspector::checkPartition(const Topic& topic, int32_t index) {
  auto& engine = topic.partition(index).engine;
  bool isNative = engine == kNative;
  kj::ArrayPtr<const HeldLog> logs;
  bool known = false;
  bool clean = true;
  KJ_IF_MAYBE(native, native_) {
    if (isNative) {
      known = true;
      logs = (*native)->logs();
      clean = (*native)->clean();
    }
  }
  KJ_IF_MAYBE(rocks, rocks_) {
    if (!isNative) {
      // What cannot be opened says nothing about what it holds.
      known = (*rocks)->opened();
      logs = (*rocks)->logs();
      if (!known) return;
    }
  }
  auto where = kj::str(path_, "/", engine);
  auto name = partitionName(topic.name(), index);
  auto* log = find(logs, name);
  if (log == nullptr) {
    bool lost = clean;
    KJ_IF_MAYBE(native, native_) lost = lost || (isNative && (*native)->lists(name, topic.id()));
    auto registered = catalogue_.nativeLogs.find(std::string(name.cStr()));
    bool isRegistered = registered != catalogue_.nativeLogs.end() && registered->second == topic.id();
    lost = lost || (isNative && isRegistered);
    inspection_.add({.severity = lost || !known ? Severity::kError : Severity::kNote,
                     .file = kj::str(where),
                     .what = kj::str("partition ", index, " of topic ", topic.name(),
                                     " has no log; the next start makes an empty one"),
                     .expected = kj::str("a log ", name)});
    return;
  }
  KJ_IF_MAYBE(id, log->id) {
    if (*id == topic.id()) return;
    inspection_.add({.file = kj::str(where, "/", name),
                     .what = kj::str("the log belongs to another topic than the one of its name"),
                     .expected = kj::str("id ", topic.id()),
                     .found = kj::str(*id)});
  }
}

void DirectoryInspector::checkOrphans(kj::ArrayPtr<const HeldLog> logs, kj::StringPtr engine) {
  for (auto& log : logs) {
    auto where = kj::str(path_, "/", engine, "/", log.name);
    if (!inspection_.wantsLog(log.name)) continue;
    KJ_IF_MAYBE(id, log.id) {
      if (catalogue_.deletions.count(*id) > 0) {
        inspection_.note(kj::mv(where), kj::str("a log of a topic that was deleted; the next start removes it"));
        continue;
      }
    }
    bool owned = false;
    bool ofMove = false;
    KJ_IF_MAYBE(dash, log.name.findLast('-')) {
      auto found = catalogue_.topics.find(std::string(log.name.begin(), *dash));
      if (found != catalogue_.topics.end()) {
        auto& topic = *found->second;
        for (int32_t i = 0; i < topic.partitionCount(); ++i) {
          if (partitionName(topic.name(), i) != log.name) continue;
          owned = topic.partition(i).engine == engine;
          ofMove = topic.partition(i).otherEngine == engine;
        }
      }
    }
    if (ofMove) {
      inspection_.note(kj::mv(where), kj::str("a copy that a move between engines was making, or has left behind; the "
                                              "broker removes it"));
      continue;
    }
    if (!owned) inspection_.warning(kj::mv(where), kj::str("no topic has this log"));
  }
}

}  // namespace cambium::tools
