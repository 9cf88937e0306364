#include "backends/rocksdb/check.h"

#include <rocksdb/status.h>

#include <kj/debug.h>

namespace cambium::rocks {

namespace {

bool isShortage(const rocksdb::Status& status) {
  // "Too many open files" has no code of its own: the library passes on the system's words.
  return status.IsNoSpace() || status.ToString().find("Too many open files") != std::string::npos;
}

kj::StringPtr advice(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return "; free space on the device"_kj;
  if (status.IsCorruption()) {
    return "; nothing was changed: check the store with the inspection tool, then restore it or, on a replica, "
           "start it empty"_kj;
  }
  if (status.IsIOError() && status.ToString().find("lock") != std::string::npos) {
    return "; another process may have the store open"_kj;
  }
  return ""_kj;
}

}  // namespace

kj::Exception toException(const rocksdb::Status& status, kj::StringPtr context) {
  auto type = isShortage(status) ? kj::Exception::Type::OVERLOADED : kj::Exception::Type::FAILED;
  return kj::Exception(type, __FILE__, __LINE__, kj::str(context, ": ", status.ToString().c_str(), advice(status)));
}

void check(const rocksdb::Status& status, kj::StringPtr context) {
  if (!status.ok()) kj::throwFatalException(toException(status, context));
}

}  // namespace cambium::rocks
