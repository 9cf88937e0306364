// Descriptors, and what opening reads.

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/native/disk_file_system.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(kj::heapString("/tmp/cambium-native-XXXXXX")) {
    KJ_ASSERT(mkdtemp(path_.begin()) != nullptr);
  }
  ~TemporaryFolder() noexcept(false) { std::filesystem::remove_all(path_.cStr()); }
  KJ_DISALLOW_COPY(TemporaryFolder);
  kj::StringPtr path() const { return path_; }
  kj::String path(kj::StringPtr name) const { return kj::str(path_, "/", name); }

 private:
  kj::String path_;
};

// Counts what is opened of segments' files.
class CountingFileSystem final : public FileSystem {
 public:
  explicit CountingFileSystem(FileSystem& inner) : inner_(inner) {}
  int logsOpened = 0;

  kj::Own<File> open(kj::StringPtr path, Mode mode) override {
    if (path.endsWith(".log")) ++logsOpened;
    return inner_.open(path, mode);
  }
  bool exists(kj::StringPtr path) override { return inner_.exists(path); }
  kj::Array<Entry> list(kj::StringPtr path) override { return inner_.list(path); }
  void createDirectory(kj::StringPtr path) override { inner_.createDirectory(path); }
  void rename(kj::StringPtr from, kj::StringPtr to) override { inner_.rename(from, to); }
  void removeFile(kj::StringPtr path) override { inner_.removeFile(path); }
  void removeTree(kj::StringPtr path) override { inner_.removeTree(path); }
  void syncDirectory(kj::StringPtr path) override { inner_.syncDirectory(path); }
  void syncAll() override { inner_.syncAll(); }
  kj::Maybe<kj::Own<Lock>> tryLock(kj::StringPtr path) override { return inner_.tryLock(path); }
  Space space() override { return inner_.space(); }
  Uuid bootId() override { return inner_.bootId(); }
  kj::String describe(kj::StringPtr path) override { return inner_.describe(path); }

 private:
  FileSystem& inner_;
};

TEST(NativeResources, FilesAndFoldersAreOfTheOwnerAndTheGroup) {
  namespace fs = std::filesystem;
  TemporaryFolder folder;
  auto root = folder.path("data");
  {
    DiskFileSystem files(root, 32);
    auto engine = openEngine(files);
    auto log = engine->open(nativeLogId(), {.segmentBytes = Bytes(200)});
    for (int i = 0; i < 5; ++i)
      appendBatch(*log, 3);
    syncNow(*log);
    log = nullptr;
    engine->close();
  }
  int files = 0;
  EXPECT_EQ(fs::status(root.cStr()).permissions() & fs::perms(07), fs::perms::none);
  for (auto& entry : fs::recursive_directory_iterator(root.cStr())) {
    auto mode = static_cast<unsigned>(entry.status().permissions());
    EXPECT_EQ(mode & ~(entry.is_directory() ? 0750u : 0640u), 0u) << entry.path();
    EXPECT_EQ(mode & 0600u, 0600u) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 10);
}

TEST(NativeResources, FiveHundredLogsShareThirtyTwoDescriptors) {
  TemporaryFolder folder;
  DiskFileSystem files(folder.path(), 32);
  auto engine = openEngine(files);
  kj::Vector<kj::Own<PartitionLog>> logs;
  uint64_t most = 0;
  for (int i = 0; i < 500; ++i)
    logs.add(engine->open(nativeLogId(kj::str("words-", i)), {}));
  for (int round = 0; round < 2; ++round) {
    for (auto& log : logs) {
      appendBatch(*log, 3);
      most = kj::max(most, files.openFiles());
    }
  }
  for (auto& log : logs)
    EXPECT_EQ(contentsOf(*log), "[0..2] [3..5]");
  EXPECT_LE(most, 32u);
  EXPECT_LE(files.openFiles(), 32u);
  EXPECT_GE(most, 30u);
}

TEST(NativeResources, OpeningAfterACleanStopReadsNoRecordData) {
  MemoryFileSystem files;
  {
    auto engine = openEngine(files);
    for (int i = 0; i < 20; ++i) {
      auto log = engine->open(nativeLogId(kj::str("words-", i)), {.segmentBytes = Bytes(500)});
      for (int b = 0; b < 12; ++b)
        appendBatch(*log, 1, 1000 + b);
    }
    engine->close();
  }
  CountingFileSystem counting(files);
  auto engine = openEngine(counting);
  kj::Vector<kj::Own<PartitionLog>> logs;
  for (int i = 0; i < 20; ++i)
    logs.add(engine->open(nativeLogId(kj::str("words-", i)), {.segmentBytes = Bytes(500)}));
  for (auto& log : logs) {
    EXPECT_EQ(log->bounds().end, Offset(12));
    EXPECT_EQ(log->extents().back().maxTimestamp, TimestampMs(1011));
  }
  EXPECT_EQ(counting.logsOpened, 0);
  EXPECT_EQ(contentsOf(*logs[3]).substr(0, 13), "[0..0] [1..1]");
  EXPECT_GT(counting.logsOpened, 0);
  logs.clear();
  uint64_t before = files.mutations();
  engine->close();
  EXPECT_EQ(files.mutations(), before) << "nothing was changed, nothing is written";
}

// The file that has the name now, open beside the file system.
struct Watched {
  explicit Watched(kj::StringPtr path) : fd(::open(path.cStr(), O_RDONLY)) {}
  ~Watched() { ::close(fd); }
  KJ_DISALLOW_COPY(Watched);
  int64_t size() const {
    struct stat stats;
    return ::fstat(fd, &stats) < 0 ? -1 : stats.st_size;
  }
  int fd;
};

TEST(NativeResources, TheSpaceOfLargeFilesIsFreedInSteps) {
  constexpr int64_t kBytes = int64_t{40} << 20;
  TemporaryFolder folder;
  DiskFileSystem files(folder.path(), 4);
  auto put = [&](kj::StringPtr name) {
    files.open(name, FileSystem::Mode::kCreate)->truncate(static_cast<uint64_t>(kBytes));
    return kj::heap<Watched>(folder.path(name));
  };
  auto removed = put("removed"), replaced = put("replaced"), there = put("there"), linked = put("linked");
  ASSERT_EQ(::link(folder.path("linked").cStr(), folder.path("other name").cStr()), 0);
  files.removeFile("removed");
  files.rename("there", "replaced");
  files.removeFile("linked");
  EXPECT_NE(thrownBy([&] { files.rename("missing", "replaced"); }), "");
  files.awaitFreed();
  EXPECT_LT(removed->size(), kBytes);
  EXPECT_LT(replaced->size(), kBytes);
  EXPECT_EQ(there->size(), kBytes);
  EXPECT_EQ(linked->size(), kBytes) << "it has another name";
  EXPECT_FALSE(files.exists("removed"));
  EXPECT_EQ(files.open("replaced", FileSystem::Mode::kRead)->size(), static_cast<uint64_t>(kBytes));
}

TEST(NativeResources, ADiskSaysWhichFileAndWhy) {
  TemporaryFolder folder;
  DiskFileSystem files(folder.path(), 4);
  auto failure = thrownBy([&] { files.open("missing/file", FileSystem::Mode::kRead); });
  EXPECT_NE(failure.find(kj::str(folder.path(), "/missing/file").cStr()), std::string::npos) << failure;
  EXPECT_NE(failure.find("No such file"), std::string::npos);
  EXPECT_EQ(files.list("missing").size(), 0u);
  files.createDirectory("a/b");
  putFile(files, "a/b/f", "x"_kj.asBytes());
  EXPECT_NE(thrownBy([&] { files.open("a/b/f", FileSystem::Mode::kRead)->write(0, "y"_kj.asBytes()); }), "");
  files.removeTree("a");
  EXPECT_FALSE(files.exists("a"));
  auto lock = files.tryLock("lock");
  EXPECT_TRUE(lock != nullptr);
  EXPECT_TRUE(files.tryLock("lock") == nullptr);
  EXPECT_GT(files.space().total, Bytes(0));
}

TEST(NativeResources, ADiskSaysWhenItsFolderIsAnotherOne) {
  TemporaryFolder folder;
  auto path = folder.path("data");
  DiskFileSystem files(path, 4);
  EXPECT_TRUE(files.space().whyReadOnly == nullptr);
  auto moved = folder.path("moved");
  std::filesystem::rename(path.cStr(), moved.cStr());
  std::string gone = KJ_ASSERT_NONNULL(files.space().whyReadOnly).cStr();
  EXPECT_NE(gone.find(path.cStr()), std::string::npos) << gone;
  EXPECT_NE(gone.find("was removed or renamed"), std::string::npos) << gone;
  std::filesystem::create_directory(path.cStr());
  std::string other = KJ_ASSERT_NONNULL(files.space().whyReadOnly).cStr();
  EXPECT_NE(other.find("another directory"), std::string::npos) << other;
  std::filesystem::remove(path.cStr());
  std::filesystem::rename(moved.cStr(), path.cStr());
  EXPECT_TRUE(files.space().whyReadOnly == nullptr);
}

TEST(NativeResources, OneProcessAtATime) {
  MemoryFileSystem files;
  auto engine = openEngine(files);
  EXPECT_NE(thrownBy([&] { openEngine(files); }).find("another process"), std::string::npos);
}

}  // namespace
}  // namespace cambium
