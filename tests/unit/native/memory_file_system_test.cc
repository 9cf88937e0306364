#include "tests/support/memory_file_system.h"

#include <gtest/gtest.h>
#include <set>

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

using Loss = MemoryFileSystem::Loss;

// What is left of a synced file of 2000 bytes 'a' that was overwritten with 'b', made longer with 'c', and not synced.
std::set<std::string> leftBy(Loss::Kind kind, size_t sectorBytes) {
  std::set<std::string> left;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    MemoryFileSystem files;
    putFile(files, "f", kj::str(kj::repeat('a', 2000)).asBytes());
    files.syncDirectory("");
    auto file = files.open("f", FileSystem::Mode::kWrite);
    file->write(0, kj::str(kj::repeat('b', 2000)).asBytes());
    file->write(2000, kj::str(kj::repeat('c', 2000)).asBytes());
    files.crash({.kind = kind, .sectorBytes = sectorBytes, .seed = seed});
    std::string sectors;
    auto contents = fileOf(files, "f");
    for (auto byte : contents.asChars()) {
      if (byte == 0) byte = '0';
      if (sectors.empty() || sectors.back() != byte) sectors += byte;
    }
    left.insert(sectors + std::to_string(contents.size()));
  }
  return left;
}

TEST(MemoryFileSystem, ATornWriteIsThereUpToASector) {
  EXPECT_EQ(leftBy(Loss::Kind::kTorn, 4096), (std::set<std::string>{"a2000", "b2000", "bc4000"}));
  EXPECT_EQ(leftBy(Loss::Kind::kTorn, 512),
            (std::set<std::string>{"a2000", "ba2000", "b2000", "bc2048", "bc2560", "bc3072", "bc3584", "bc4000"}));
  EXPECT_EQ(leftBy(Loss::Kind::kNothing, 512), std::set<std::string>{"bc4000"});
  EXPECT_EQ(leftBy(Loss::Kind::kUnsynced, 512), std::set<std::string>{"a2000"});
}

TEST(MemoryFileSystem, ReorderedSectorsAreThereEachForItself) {
  auto one = leftBy(Loss::Kind::kReordered, 4096);
  EXPECT_EQ(one, (std::set<std::string>{"a2000", "a04000", "b2000", "b04000", "bc4000"}));
  auto many = leftBy(Loss::Kind::kReordered, 512);
  EXPECT_TRUE(many.contains("aba2000") || many.contains("bab2000")) << "a sector in the middle is older or newer";
  EXPECT_GT(many.size(), 30u);
}

TEST(MemoryFileSystem, NamesComeInTheirOrder) {
  std::set<std::string> left;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    MemoryFileSystem files;
    putFile(files, "1", "x"_kj.asBytes());
    files.syncDirectory("");
    putFile(files, "2", "x"_kj.asBytes());
    files.rename("1", "3");
    files.removeFile("2");
    files.crash({.kind = Loss::Kind::kReordered, .seed = seed});
    std::string names;
    for (auto& entry : files.list(""))
      names += entry.name.cStr();
    left.insert(names);
  }
  EXPECT_EQ(left, (std::set<std::string>{"1", "12", "23", "3"}));
}

TEST(MemoryFileSystem, WhatAKillLeavesUnsyncedAPowerLossStillTakes) {
  MemoryFileSystem files;
  putFile(files, "synced", "x"_kj.asBytes());
  files.syncDirectory("");
  files.open("synced", FileSystem::Mode::kWrite)->write(0, "yy"_kj.asBytes());
  putFile(files, "unsynced", "z"_kj.asBytes());
  files.crash({.kind = Loss::Kind::kNothing});
  EXPECT_EQ(kj::str(fileOf(files, "synced").asChars()), "yy"_kj);
  EXPECT_TRUE(files.exists("unsynced"));
  files.crash();
  EXPECT_EQ(kj::str(fileOf(files, "synced").asChars()), "x"_kj);
  EXPECT_FALSE(files.exists("unsynced"));
}

TEST(MemoryFileSystem, LiesAboutSyncs) {
  MemoryFileSystem files;
  files.lieAboutSyncs([](kj::StringPtr path) { return path == "f"; });
  putFile(files, "f", "x"_kj.asBytes());
  putFile(files, "g", "x"_kj.asBytes());
  files.syncDirectory("");
  files.crash();
  EXPECT_EQ(fileOf(files, "f").size(), 0u);
  EXPECT_EQ(fileOf(files, "g").size(), 1u);
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
