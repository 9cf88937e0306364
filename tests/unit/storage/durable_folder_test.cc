#include "engine/storage/durable_folder.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <kj/debug.h>

#include "tests/support/temporary_folder.h"

namespace cambium {
namespace {

// The folders that are synced, in order, when `path` is made.
std::vector<std::string> syncsOf(kj::StringPtr path) {
  std::vector<std::string> synced;
  makeDurableFolder(path, [&](kj::StringPtr folder) { synced.emplace_back(folder.cStr()); });
  EXPECT_TRUE(std::filesystem::is_directory(path.cStr()));
  return synced;
}

TEST(DurableFolder, SyncsTheParentOfEachFolderThatItMakes) {
  TemporaryFolder folder;
  std::string root = folder.path().cStr();
  EXPECT_EQ(syncsOf(folder.path("a/b/c/")), (std::vector<std::string>{root, root + "/a", root + "/a/b"}));
  EXPECT_EQ(syncsOf(folder.path("a/b/d")), (std::vector<std::string>{root + "/a/b"}));
  // It may have been made by a process that died before its sync.
  EXPECT_EQ(syncsOf(folder.path("a/b")), std::vector<std::string>{root + "/a"});
}

TEST(DurableFolder, MakesFoldersWithTheSystemsOwnSync) {
  TemporaryFolder folder;
  makeDurableFolder(folder.path("a/b"));
  makeDurableFolder(folder.path("a/b"));
  EXPECT_TRUE(std::filesystem::is_directory(folder.path("a/b").cStr()));
}

TEST(DurableFolder, AFileInTheWayIsNamed) {
  TemporaryFolder folder;
  std::ofstream(folder.path("file").cStr()) << "x";
  for (auto name : {"file", "file/below"}) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { makeDurableFolder(folder.path(name)); })) {
      EXPECT_NE(std::string(exception->getDescription().cStr()).find(folder.path(name).cStr()), std::string::npos);
    } else {
      ADD_FAILURE() << name;
    }
  }
}

}  // namespace
}  // namespace cambium
