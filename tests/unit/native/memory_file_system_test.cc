#include "tests/support/memory_file_system.h"

#include <gtest/gtest.h>

#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

TEST(MemoryFileSystem, ACrashKeepsWhatWasSynced) {
  MemoryFileSystem files;
  files.createDirectory("a/b");
  auto file = files.open("a/b/f", FileSystem::Mode::kCreate);
  file->write(0, "synced"_kj.asBytes());
  file->sync();
  file->write(6, " and not"_kj.asBytes());
  files.syncDirectory("a/b");
  files.syncDirectory("a");
  files.syncDirectory("");
  files.open("a/b/unnamed", FileSystem::Mode::kCreate)->sync();
  files.crash();
  EXPECT_EQ(kj::str(fileOf(files, "a/b/f").asChars()), "synced");
  EXPECT_FALSE(files.exists("a/b/unnamed"));
  EXPECT_NE(thrownBy([&] { file->size(); }), "") << "opened before the crash";
}

TEST(MemoryFileSystem, RenamesAndRemovalsNeedTheirFolderSynced) {
  MemoryFileSystem files;
  for (auto name : {"from", "gone"})
    putFile(files, name, "x"_kj.asBytes());
  files.syncDirectory("");
  files.rename("from", "to");
  files.removeFile("gone");
  files.crash();
  EXPECT_TRUE(files.exists("from") && files.exists("gone") && !files.exists("to"));
  files.rename("from", "to");
  files.removeFile("gone");
  files.syncDirectory("");
  files.crash();
  EXPECT_TRUE(!files.exists("from") && !files.exists("gone") && files.exists("to"));
}

TEST(MemoryFileSystem, FailsTheCallItWasToldTo) {
  MemoryFileSystem files;
  auto file = files.open("f", FileSystem::Mode::kCreate);
  files.failAt(2, MemoryFileSystem::Fault::kTornWrite);
  file->write(0, "12"_kj.asBytes());
  EXPECT_NE(thrownBy([&] { file->write(2, "345678"_kj.asBytes()); }), "");
  EXPECT_EQ(file->size(), 5u);
  files.failAt(1, MemoryFileSystem::Fault::kNoSpace);
  EXPECT_NE(thrownBy([&] { file->write(0, "x"_kj.asBytes()); }).find("No space left"), std::string::npos);
  files.failAt(1, MemoryFileSystem::Fault::kPowerOff);
  EXPECT_NE(thrownBy([&] { file->sync(); }), "");
  EXPECT_NE(thrownBy([&] { files.list(""); }), "");
  files.crash();
  EXPECT_EQ(files.list("").size(), 0u);
}

TEST(MemoryFileSystem, FlipsBitsAndHoldsLocks) {
  MemoryFileSystem files;
  putFile(files, "f", "a"_kj.asBytes());
  files.flipBit("f", 1);
  EXPECT_EQ(fileOf(files, "f")[0], 'a' ^ 2);
  auto lock = files.tryLock("lock");
  EXPECT_TRUE(lock != nullptr);
  EXPECT_TRUE(files.tryLock("lock") == nullptr);
  lock = nullptr;
  EXPECT_TRUE(files.tryLock("lock") != nullptr);
}

}  // namespace
}  // namespace cambium
