#include "backends/native/disk_file_system.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <kj/encoding.h>
#include <kj/vector.h>

#include "backends/native/system_error.h"
#include "engine/storage/durable_folder.h"

namespace cambium {

namespace {

class DiskFile final : public File {
 public:
  DiskFile(DescriptorCache& cache, kj::String path, int flags) : slot_(cache, kj::mv(path), flags) {}

  void write(uint64_t position, ByteView data) override {
    auto descriptor = slot_.use();
    while (data.size() > 0) {
      ssize_t n = retryInterrupted(
          [&] { return ::pwrite(descriptor->fd(), data.begin(), data.size(), static_cast<off_t>(position)); });
      if (n < 0) throwSystemError("write to", slot_.path(), errno);
      if (n == 0) throwSystemError("write to", slot_.path(), ENOSPC);
      data = data.slice(static_cast<size_t>(n), data.size());
      position += static_cast<uint64_t>(n);
    }
  }

  size_t read(uint64_t position, kj::ArrayPtr<kj::byte> buffer) override {
    auto descriptor = slot_.use();
    size_t done = 0;
    while (done < buffer.size()) {
      ssize_t n = retryInterrupted([&] {
        return ::pread(descriptor->fd(), buffer.begin() + done, buffer.size() - done,
                       static_cast<off_t>(position + done));
      });
      if (n < 0) throwSystemError("read", slot_.path(), errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  uint64_t size() override {
    auto descriptor = slot_.use();
    struct stat stats;
    if (::fstat(descriptor->fd(), &stats) < 0) throwSystemError("ask for the size of", slot_.path(), errno);
    return static_cast<uint64_t>(stats.st_size);
  }

  void truncate(uint64_t size) override {
    auto descriptor = slot_.use();
    int result = retryInterrupted([&] { return ::ftruncate(descriptor->fd(), static_cast<off_t>(size)); });
    if (result < 0) throwSystemError("change the size of", slot_.path(), errno);
  }

  void sync() override {
    auto descriptor = slot_.use();
    // Not repeated after EINTR: a second call may report success for pages that the first one gave up.
    if (::fdatasync(descriptor->fd()) < 0) throwSystemError("sync", slot_.path(), errno);
  }

 private:
  DescriptorCache::Slot slot_;
};

class DiskLock final : public FileSystem::Lock {
 public:
  explicit DiskLock(int fd) : fd_(fd) {}
  ~DiskLock() noexcept(false) override { ::close(fd_); }
  KJ_DISALLOW_COPY(DiskLock);

 private:
  int fd_;
};

// What Linux tells of this run of the machine (random(4)): 32 hexadecimal digits and four dashes.
Uuid readBootId() {
  constexpr size_t kTextBytes = 36;
  int fd = retryInterrupted([] { return ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC); });
  if (fd < 0) return {};
  KJ_DEFER(::close(fd));
  char text[kTextBytes];
  ssize_t size = retryInterrupted([&] { return ::read(fd, text, sizeof(text)); });
  if (size != static_cast<ssize_t>(kTextBytes)) return {};
  kj::Vector<char> digits(kTextBytes);
  for (char c : text) {
    if (c != '-') digits.add(c);
  }
  auto bytes = kj::decodeHex(digits);
  if (bytes.hadErrors || bytes.size() != 16) return {};
  return Uuid::fromBytes(bytes);
}

void makeDirectories(kj::StringPtr path) {
  if (::mkdir(path.cStr(), kFolderMode) == 0 || errno == EEXIST) return;
  if (errno != ENOENT) throwSystemError("make the folder", path, errno);
  auto parent = parentPath(path);
  if (parent.size() == 0) throwSystemError("make the folder", path, ENOENT);
  makeDirectories(parent);
  if (::mkdir(path.cStr(), kFolderMode) < 0 && errno != EEXIST) throwSystemError("make the folder", path, errno);
}

}  // namespace

DiskFileSystem::DiskFileSystem(kj::StringPtr root, size_t openFilesMax)
    : bootId_(readBootId()), descriptors_(openFilesMax) {
  while (root.size() > 1 && root.endsWith("/"))
    root = root_ = kj::str(root.slice(0, root.size() - 1));
  root_ = kj::str(root);
  makeDurableFolder(root_);
  struct stat found;
  if (::stat(root_.cStr(), &found) < 0) throwSystemError("look at", root_, errno);
  rootDevice_ = found.st_dev;
  rootInode_ = found.st_ino;
}

kj::Own<File> DiskFileSystem::open(kj::StringPtr path, Mode mode) {
  int flags = mode == Mode::kRead ? O_RDONLY : mode == Mode::kWrite ? O_RDWR : O_RDWR | O_CREAT;
  auto file = kj::heap<DiskFile>(descriptors_, describe(path), flags);
  // Says at once when the file does not exist.
  file->size();
  return file;
}

bool DiskFileSystem::exists(kj::StringPtr path) {
  auto full = describe(path);
  if (::access(full.cStr(), F_OK) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) throwSystemError("look for", full, errno);
  return false;
}

kj::Array<FileSystem::Entry> DiskFileSystem::list(kj::StringPtr path) {
  auto full = describe(path);
  DIR* folder = ::opendir(full.cStr());
  if (folder == nullptr) {
    if (errno == ENOENT) return nullptr;
    throwSystemError("list", full, errno);
  }
  KJ_DEFER(::closedir(folder));
  kj::Vector<Entry> entries;
  for (;;) {
    errno = 0;
    dirent* found = ::readdir(folder);
    if (found == nullptr) {
      if (errno != 0) throwSystemError("list", full, errno);
      break;
    }
    kj::StringPtr name = found->d_name;
    if (name == "." || name == "..") continue;
    bool isDirectory = found->d_type == DT_DIR;
    uint64_t size = 0;
    if (!isDirectory) {
      struct stat stats;
      if (::fstatat(::dirfd(folder), name.cStr(), &stats, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) continue;
        throwSystemError("look at", kj::str(full, "/", name), errno);
      }
      isDirectory = S_ISDIR(stats.st_mode);
      size = isDirectory ? 0 : static_cast<uint64_t>(stats.st_size);
    }
    entries.add(Entry{kj::str(name), isDirectory, size});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries.releaseAsArray();
}

void DiskFileSystem::createDirectory(kj::StringPtr path) {
  makeDirectories(describe(path));
}

void DiskFileSystem::rename(kj::StringPtr from, kj::StringPtr to) {
  auto source = describe(from);
  auto target = describe(to);
  BackgroundFree::Hold replaced(freeing_, target);
  if (::rename(source.cStr(), target.cStr()) < 0) throwSystemError(kj::str("rename to ", target), source, errno);
}

void DiskFileSystem::removeFile(kj::StringPtr path) {
  auto full = describe(path);
  BackgroundFree::Hold removed(freeing_, full);
  if (::unlink(full.cStr()) < 0 && errno != ENOENT) throwSystemError("remove", full, errno);
}

void DiskFileSystem::removeTree(kj::StringPtr path) {
  for (auto& entry : list(path)) {
    auto inner = kj::str(path, "/", entry.name);
    if (entry.isDirectory) {
      removeTree(inner);
    } else {
      removeFile(inner);
    }
  }
  auto full = describe(path);
  if (::rmdir(full.cStr()) < 0 && errno != ENOENT) throwSystemError("remove", full, errno);
}

template <class Sync>
void DiskFileSystem::syncFolder(kj::StringPtr path, kj::StringPtr doing, Sync sync) {
  auto full = describe(path);
  int fd = retryInterrupted([&] { return ::open(full.cStr(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) throwSystemError("open the folder", full, errno);
  KJ_DEFER(::close(fd));
  if (sync(fd) < 0) throwSystemError(doing, full, errno);
}

void DiskFileSystem::syncDirectory(kj::StringPtr path) {
  syncFolder(path, "sync the folder", ::fsync);
}

// Linux reports a failed write-back to syncfs since 5.8 (syncfs(2)).
void DiskFileSystem::syncAll() {
  syncFolder("", "sync the file system of", ::syncfs);
}

kj::Maybe<kj::Own<FileSystem::Lock>> DiskFileSystem::tryLock(kj::StringPtr path) {
  auto full = describe(path);
  int fd = retryInterrupted([&] { return ::open(full.cStr(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode); });
  if (fd < 0) throwSystemError("open", full, errno);
  kj::Own<Lock> lock = kj::heap<DiskLock>(fd);
  if (retryInterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) < 0) {
    if (errno == EWOULDBLOCK) return nullptr;
    throwSystemError("lock", full, errno);
  }
  return kj::mv(lock);
}

kj::Maybe<kj::String> DiskFileSystem::whyRootIsGone() {
  struct stat found;
  if (::stat(root_.cStr(), &found) < 0) {
    if (errno != ENOENT && errno != ENOTDIR) throwSystemError("look at", root_, errno);
    return kj::str("the directory ", root_, " was removed or renamed while it was in use");
  }
  if (found.st_dev == rootDevice_ && found.st_ino == rootInode_) return nullptr;
  return kj::str("another directory has been put in the place of ", root_, " while that was in use");
}

FileSystem::Space DiskFileSystem::space() {
  KJ_IF_MAYBE(reason, whyRootIsGone()) {
    return {.whyReadOnly = kj::str(*reason,
                                   ": what is written would be lost. Stop the broker, put the directory back "
                                   "and start the broker again")};
  }
  struct statvfs stats;
  if (retryInterrupted([&] { return ::statvfs(root_.cStr(), &stats); }) < 0) {
    throwSystemError("ask for the space below", root_, errno);
  }
  Space space{Bytes(uint64_t{stats.f_bavail} * stats.f_frsize), Bytes(uint64_t{stats.f_blocks} * stats.f_frsize)};
  if ((stats.f_flag & ST_RDONLY) != 0) {
    space.whyReadOnly = kj::str("the file system of ", root_,
                                " is mounted read-only. The system's log says why; once it is mounted for writing, the "
                                "broker goes on by itself");
  }
  return space;
}

kj::String DiskFileSystem::describe(kj::StringPtr path) {
  if (path.size() == 0) return kj::str(root_);
  return kj::str(root_ == "/" ? ""_kj : root_.asPtr(), "/", path);
}

}  // namespace cambium
