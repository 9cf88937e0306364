#include "engine/broker/data_directory.h"

#include <kj/debug.h>
#include <kj/vector.h>

namespace cambium {

namespace {

constexpr kj::StringPtr kFile = "cambium.properties"_kj;
constexpr kj::StringPtr kLockFile = "cambium.lock"_kj;
constexpr kj::StringPtr kFormat = "1"_kj;

// A failure that the person who starts a broker reads: one sentence, no stack.
[[noreturn]] void refuse(kj::String sentence) {
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, "data_directory", 0, kj::mv(sentence)));
}

kj::Maybe<kj::String> property(kj::StringPtr text, kj::StringPtr name) {
  auto prefix = kj::str(name, '=');
  while (text.size() > 0) {
    size_t end = text.size();
    KJ_IF_MAYBE(at, text.findFirst('\n')) end = *at;
    auto line = kj::heapString(text.slice(0, end));
    text = end < text.size() ? text.slice(end + 1) : ""_kj;
    if (line.startsWith(prefix)) return kj::str(line.slice(prefix.size()));
  }
  return nullptr;
}

}  // namespace

DataDirectory::DataDirectory(FileSystem& files, const Entropy& entropy, kj::StringPtr stateEngine) {
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
    auto text = kj::str("format=", kFormat, "\ncluster.id=", clusterId_, "\nstate.engine=", stateEngine, "\n");
    replaceFile(files, kFile, text.asBytes());
    return;
  }
  // Its name may be in the system's cache only, when who made it has died.
  files.syncDirectory("");
  auto text = kj::str(readWholeFile(files, kFile, 64 * 1024).asChars());
  KJ_IF_MAYBE(format, property(text, "format")) {
    if (*format != kFormat) {
      refuse(kj::str(where, ": data format ", *format, " is not known to this version, which reads format ", kFormat));
    }
  } else {
    refuse(kj::str(where, ": there is no line format=…; the file is damaged, nothing was changed"));
  }
  KJ_IF_MAYBE(id, property(text, "cluster.id")) {
    clusterId_ = kj::mv(*id);
  } else {
    refuse(kj::str(where, ": there is no line cluster.id=…; the file is damaged, nothing was changed"));
  }
  KJ_IF_MAYBE(made, property(text, "state.engine")) {
    if (*made != stateEngine) {
      refuse(kj::str("this data directory keeps its state in ", *made, " (", where,
                     "); start with --state_engine=", *made, " or with another --data_dir"));
    }
  } else {
    refuse(kj::str(where, ": there is no line state.engine=…; the file is damaged, nothing was changed"));
  }
}

}  // namespace cambium
