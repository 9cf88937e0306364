#pragma once

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <unistd.h>

#include <kj/debug.h>

namespace cambium {

// A file system of its own, small and in memory, mounted on a folder: something that can really be full. Needs the
// right to mount (root). Mounted where only this process and its children see it: gone with them, whatever happens.
class SmallDevice {
 public:
  // Gives the process its own view of what is mounted where. Before the first thread: each keeps the view it began
  // with. False when that is not allowed.
  static bool takeOwnView() {
    return unshare(CLONE_NEWNS) == 0 && mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }

  // On the folder `path`, which exists; only after takeOwnView().
  SmallDevice(kj::StringPtr path, size_t mebibytes) : path_(kj::str(path)) {
    if (mount("cambium-test", path_.cStr(), "tmpfs", 0, kj::str("size=", mebibytes, "m").cStr()) != 0) {
      problem_ = kj::str("no file system can be mounted here: ", strerror(errno));
    }
  }
  ~SmallDevice() noexcept(false) {
    removeFiller();
    if (problem_ == nullptr) umount2(path_.cStr(), MNT_DETACH);
  }
  KJ_DISALLOW_COPY(SmallDevice);

  // Why there is none.
  kj::Maybe<kj::StringPtr> problem() const {
    return problem_.map([](const kj::String& text) { return text.asPtr(); });
  }
  // Takes all the room there is, with a file of somebody else's.
  void fill() {
    kj::AutoCloseFd file(open(filler().cStr(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    KJ_REQUIRE(file.get() >= 0, "cannot make the file that fills the device");
    std::string block(65536, 'x');
    for (size_t size = block.size(); size > 0;) {
      if (write(file, block.data(), size) <= 0) size /= 2;
    }
  }
  void removeFiller() { unlink(filler().cStr()); }

 private:
  kj::String filler() const { return kj::str(path_, "/filler"); }

  kj::String path_;
  kj::Maybe<kj::String> problem_;
};

}  // namespace cambium
