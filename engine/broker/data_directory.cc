#include "engine/broker/data_directory.h"

#include <kj/debug.h>

#include "engine/broker/directory_checksum.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kFile = "cambium.properties"_kj;
constexpr kj::StringPtr kLockFile = "cambium.lock"_kj;
constexpr kj::StringPtr kFormat = "2"_kj;
constexpr kj::StringPtr kFormatWithoutChecksum = "1"_kj;
constexpr size_t kFileBytesMax = 64 * 1024;

constexpr FileKind kKinds[] = {
    {kFile, "what the data directory is"_kj},
    {"cambium.properties.tmp"_kj, "a file that will replace it"_kj},
    {kLockFile, "held while a broker runs"_kj},
    {"cambium.reserve"_kj, "room that is given up when the device is full"_kj},
};

// A failure that the person who starts a broker reads: one sentence, no stack.
[[noreturn]] void refuse(kj::String sentence) {
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, "data_directory", 0, kj::mv(sentence)));
}

kj::Vector<kj::String> split(kj::StringPtr text, char separator) {
  kj::Vector<kj::String> parts;
  while (text.size() > 0) {
    size_t end = text.size();
    KJ_IF_MAYBE(at, text.findFirst(separator)) end = *at;
    parts.add(kj::heapString(text.slice(0, end)));
    text = end < text.size() ? text.slice(end + 1) : ""_kj;
  }
  return parts;
}

kj::Maybe<kj::String> property(kj::StringPtr text, kj::StringPtr name) {
  auto prefix = kj::str(name, '=');
  for (auto& line : split(text, '\n')) {
    if (line.startsWith(prefix)) return kj::str(line.slice(prefix.size()));
  }
  return nullptr;
}

kj::String requireProperty(kj::StringPtr text, kj::StringPtr name, kj::StringPtr where) {
  KJ_IF_MAYBE(value, property(text, name)) return kj::mv(*value);
  refuse(kj::str(where, ": there is no line ", name,
                 "=…; the file is damaged, nothing was changed: put an undamaged copy back"));
}

}  // namespace

kj::ArrayPtr<const FileKind> dataDirectoryFileKinds() {
  return kKinds;
}

DataDirectory::DataDirectory(FileSystem& files, const Entropy& entropy, kj::StringPtr stateEngine) : files_(files) {
  files.createDirectory("");
  KJ_IF_MAYBE(lock, files.tryLock(kLockFile)) {
    lock_ = kj::mv(*lock);
  } else {
    refuse(kj::str("the data directory ", files.describe(""),
                   " is in use by another broker; stop that one or choose another --data_dir"));
  }
  auto where = files.describe(kFile);
  if (!files.exists(kFile)) {
    for (auto engine : {"native"_kj, "rocksdb"_kj}) {
      if (!files.exists(engine)) continue;
      refuse(kj::str(files.describe(engine), " is there, but ", where,
                     " is not: put that file back (lines format=1, cluster.id=… and "
                     "state.engine=native or rocksdb) or choose another --data_dir; nothing was changed"));
    }
    clusterId_ = kj::str(Uuid::random(entropy));
    stateEngine_ = kj::str(stateEngine);
    write();
    return;
  }
  // Its name may be in the system's cache only, when who made it has died.
  files.syncDirectory("");
  read(stateEngine);
}

void DataDirectory::read(kj::StringPtr stateEngine) {
  auto where = files_.describe(kFile);
  kj::String text;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions(
                             [&] { text = kj::str(readWholeFile(files_, kFile, kFileBytesMax).asChars()); })) {
    refuse(kj::str(where, " cannot be read: ", exception->getDescription(),
                   "; nothing was changed: put an undamaged copy back"));
  }
  auto format = requireProperty(text, "format", where);
  bool isChecked = format == kFormat;
  if (!isChecked && format != kFormatWithoutChecksum) {
    refuse(kj::str(where, ": data format ", format, " is not known to this version, which reads format ", kFormat,
                   "; nothing was changed"));
  }
  if (isChecked && !hasDirectoryChecksum(text)) {
    refuse(kj::str(where, ": the last line is not ", kDirectoryChecksum,
                   "… as it fits the lines before; the file was damaged or edited, nothing was changed: put an "
                   "undamaged copy back"));
  }
  clusterId_ = requireProperty(text, "cluster.id", where);
  stateEngine_ = requireProperty(text, "state.engine", where);
  if (stateEngine_ != stateEngine) {
    refuse(kj::str("this data directory keeps its state in ", stateEngine_, " (", where,
                   "); start with --state_engine=", stateEngine_, " or with another --data_dir"));
  }
  KJ_IF_MAYBE(engines, property(text, "engines")) engines_ = split(*engines, ',');
}

void DataDirectory::write() {
  auto lines = kj::str("format=", kFormat, "\ncluster.id=", clusterId_, "\nstate.engine=", stateEngine_,
                       "\nengines=", kj::strArray(engines_, ","), "\n");
  replaceFile(files_, kFile, kj::str(lines, directoryChecksumLine(lines)).asBytes());
}

void DataDirectory::requireEngine(kj::StringPtr kind) const {
  for (auto& made : engines_) {
    if (made != kind || files_.list(kind).size() > 0) continue;
    refuse(kj::str(files_.describe(kind), " is gone or empty, but this data directory has its ", kind, " store there (",
                   files_.describe(kFile), "); nothing was changed: restore the folder, or choose another --data_dir"));
  }
}

void DataDirectory::noteEngine(kj::StringPtr kind) {
  for (auto& made : engines_) {
    if (made == kind) return;
  }
  // An engine that keeps nothing there.
  if (!files_.exists(kind)) return;
  engines_.add(kj::str(kind));
  try {
    // What is in its folder survives a power loss before the folder is missed.
    files_.syncDirectory(kind);
    write();
  } catch (const kj::Exception& exception) {
    engines_.removeLast();
    if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
  }
}

}  // namespace cambium
