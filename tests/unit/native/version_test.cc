// Files of a later format version are refused: they are not damage, which may be put aside.

#include <gtest/gtest.h>

#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"
#include "tests/unit/native/native_support.h"

namespace cambium {
namespace {

// Gives a file (magic, CRC of the rest, version, …) another version, and the checksum that belongs to it.
void setVersion(FileSystem& files, kj::StringPtr path, int32_t version) {
  auto contents = fileOf(files, path);
  storeBigEndian(contents.begin() + 8, version);
  storeBigEndian(contents.begin() + 4, crc32c(contents.slice(8, contents.size())));
  putFile(files, path, contents);
}

std::string openAll(FileSystem& files) {
  return thrownBy([&] {
    auto engine = openEngine(files);
    engine->open(nativeLogId(), {});
  });
}

class NativeVersion : public ::testing::Test {
 public:
  ~NativeVersion() noexcept override = default;

 protected:
  void SetUp() override {
    auto engine = openEngine(files);
    {
      auto log = engine->open(nativeLogId(), {});
      appendBatch(*log, 10);
      appendBatch(*log, 10);
      syncNow(*log);
      // Leaves a log-state.
      log->dropBefore(Offset(10));
    }
    TableChange change{"t", "k"_kj.asBytes(), "v"_kj.asBytes()};
    engine->commit(kj::arrayPtr(&change, 1));
    engine->close();
  }

  void expectRefused(kj::StringPtr path) {
    auto before = fileOf(files, path);
    auto refusal = openAll(files);
    EXPECT_NE(refusal.find("has a format version that this program does not know"), std::string::npos) << refusal;
    EXPECT_TRUE(files.exists(path)) << "it was put aside";
    EXPECT_TRUE(fileOf(files, path) == before.asPtr());
  }

  MemoryFileSystem files;
};

TEST_F(NativeVersion, TodaysIsRead) {
  EXPECT_EQ(openAll(files), "");
}

TEST_F(NativeVersion, OfTheCheckpoint) {
  setVersion(files, "data/recovery-checkpoint", 2);
  expectRefused("data/recovery-checkpoint");
}

TEST_F(NativeVersion, OfALogState) {
  // Without the checkpoint the log's own state is read.
  files.removeFile("data/recovery-checkpoint");
  setVersion(files, "data/words-0/log-state", 2);
  expectRefused("data/words-0/log-state");
}

TEST_F(NativeVersion, OfASnapshotOfTables) {
  setVersion(files, "data/tables/0000000000000001.snapshot", 2);
  expectRefused("data/tables/0000000000000001.snapshot");
}

TEST_F(NativeVersion, OfAJournalOfTables) {
  // Magic, version, generation, and the CRC of these.
  kj::StringPtr path = "data/tables/0000000000000001.journal";
  auto contents = fileOf(files, path);
  storeBigEndian(contents.begin() + 4, int32_t{2});
  storeBigEndian(contents.begin() + 16, crc32c(contents.slice(0, 16)));
  putFile(files, path, contents);
  expectRefused(path);
}

// A full device: the mark of a clean stop is taken back in place, and the log opens.
TEST_F(NativeVersion, AFullDeviceDoesNotKeepALogFromBeingRecovered) {
  // Behind the state that the checkpoint describes: it has to be recovered.
  auto log = fileOf(files, "data/words-0/00000000000000000000.log");
  kj::Vector<kj::byte> longer;
  longer.addAll(log);
  longer.addAll(makeBatch(Offset(20), 10, TimestampMs(1000), 39, 1));
  putFile(files, "data/words-0/00000000000000000000.log", longer);
  files.setFull(true);
  {
    auto engine = openEngine(files);
    auto opened = engine->open(nativeLogId(), {});
    EXPECT_EQ(contentsOf(*opened), "[10..19] [20..29]");
  }
  files.setFull(false);
  auto engine = openEngine(files);
  auto opened = engine->open(nativeLogId(), {});
  EXPECT_EQ(contentsOf(*opened), "[10..19] [20..29]");
  appendBatch(*opened, 10);
  EXPECT_EQ(contentsOf(*opened), "[10..19] [20..29] [30..39]");
}

}  // namespace
}  // namespace cambium
