#include "engine/storage/durable_folder.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

namespace cambium {

namespace {

void syncWithSystem(kj::StringPtr path) {
  int opened;
  KJ_SYSCALL(opened = ::open(path.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "cannot open the folder", path);
  kj::AutoCloseFd fd(opened);
  // Not repeated after EINTR: a second call may report success for what the first one gave up.
  if (::fsync(fd) < 0) KJ_FAIL_SYSCALL("fsync", errno, "cannot sync the folder", path);
}

// "a/b" -> "a", "a" -> ".", "/a" -> "/".
kj::String parentOnSystem(kj::StringPtr path) {
  KJ_IF_MAYBE(slash, path.findLast('/')) {
    return *slash == 0 ? kj::str("/") : kj::str(path.slice(0, *slash));
  }
  return kj::str(".");
}

void make(kj::StringPtr path, kj::FunctionParam<void(kj::StringPtr)>& syncFolder) {
  auto parent = parentOnSystem(path);
  int result = ::mkdir(path.cStr(), kFolderMode);
  if (result < 0 && errno == ENOENT && parent != "." && parent != path) {
    make(parent, syncFolder);
    result = ::mkdir(path.cStr(), kFolderMode);
  }
  int error = result < 0 ? errno : 0;
  struct stat found;
  bool isThere = error == EEXIST && ::stat(path.cStr(), &found) == 0 && S_ISDIR(found.st_mode);
  if (isThere) {
    // Who made it may have died before that was durable. Not where nobody like us can have made it.
    if (::access(parent.cStr(), R_OK | W_OK) == 0) syncFolder(parent);
    return;
  }
  if (error != 0) KJ_FAIL_SYSCALL("mkdir", error, "cannot make the folder", path);
  syncFolder(parent);
}

}  // namespace

void makeDurableFolder(kj::StringPtr path) {
  makeDurableFolder(path, syncWithSystem);
}

void makeDurableFolder(kj::StringPtr path, kj::FunctionParam<void(kj::StringPtr)> syncFolder) {
  kj::String trimmed = kj::str(path);
  while (trimmed.size() > 1 && trimmed.endsWith("/"))
    trimmed = kj::str(trimmed.slice(0, trimmed.size() - 1));
  make(trimmed, syncFolder);
}

}  // namespace cambium
