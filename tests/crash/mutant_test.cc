#include <gtest/gtest.h>

#include "engine/base/crc32c.h"
#include "engine/record/batch_view.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/quiet.h"
#include "tests/support/temporary_folder.h"

// Does the enumeration see anything at all? Here the device lies: a broker on it behaves like one that lacks an fsync,
// or takes a batch with a wrong checksum for a sound one. The oracle has to complain. (`mutants` does the same to the
// sources.)

namespace cambium {
namespace {

struct Lie {
  const char* name;
  bool (*isAbout)(kj::StringPtr path);
};

bool isSegment(kj::StringPtr path) {
  return path.startsWith("native/") && path.endsWith(".log");
}
bool isNativeFolder(kj::StringPtr path) {
  return path.startsWith("native/") && path.findFirst('.') == nullptr && !path.startsWith("native/tables") &&
         !path.endsWith("log-state");
}
bool isJournal(kj::StringPtr path) {
  return path.endsWith(".journal");
}
bool isWriteAheadLog(kj::StringPtr path) {
  return path.startsWith("rocksdb/") && path.endsWith(".log");
}
bool isTable(kj::StringPtr path) {
  return path.endsWith(".sst");
}
bool isManifest(kj::StringPtr path) {
  return path.startsWith("rocksdb/MANIFEST");
}
bool isRocksFolder(kj::StringPtr path) {
  return path == "rocksdb";
}
bool isTop(kj::StringPtr path) {
  return path == "";
}

class MutantTest : public ::testing::TestWithParam<Lie> {
 public:
  ~MutantTest() noexcept override = default;

 protected:
  MemoryBroker::Surroundings surroundings;
  TemporaryFolder folder{TemporaryFolder::inMemory()};
};

INSTANTIATE_TEST_SUITE_P(Lies, MutantTest,
                         ::testing::Values(Lie{"segments", isSegment}, Lie{"nativeFolders", isNativeFolder},
                                           Lie{"tableJournal", isJournal}, Lie{"writeAheadLog", isWriteAheadLog},
                                           Lie{"tables", isTable}, Lie{"manifest", isManifest},
                                           Lie{"rocksFolder", isRocksFolder}, Lie{"dataDirectory", isTop}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(MutantTest, ASyncThatIsOnlyPretendedIsNoticed) {
  Quiet quiet;
  for (auto state : {"native", "rocksdb"}) {
    CrashRun run(surroundings, folder.path(), "native", state);
    run.files().lieAboutSyncs(GetParam().isAbout);
    run.live();
    EXPECT_GT(run.safeCount(), 0u);
    auto complaints = run.crashAndCheck({});
    // The journal is there also when state is in RocksDB: the native engine keeps in it which logs there are.
    EXPECT_FALSE(complaints.empty()) << state;
  }
}

// Changes a byte of the records of the first batch of the last segment; with `accepted`, its checksum fits them again:
// what a recovery and a reader that do not look at it would see.
void changeBatch(MemoryFileSystem& files, bool accepted) {
  kj::String path;
  for (auto& entry : files.list("native")) {
    if (entry.name.startsWith("native-fsync")) path = kj::str("native/", entry.name);
  }
  // The last segment: what is in the first ones was deleted.
  kj::String last;
  for (auto& entry : files.list(path)) {
    if (entry.name.endsWith(".log") && entry.sizeBytes > 0) last = kj::str(path, "/", entry.name);
  }
  path = kj::mv(last);
  auto file = files.open(path, FileSystem::Mode::kWrite);
  auto bytes = readWholeFile(files, path);
  auto size = KJ_ASSERT_NONNULL(BatchView::first(bytes)).size();
  auto batch = bytes.slice(0, size);
  // In the middle of the first record's value.
  batch[batch_layout::kHeaderBytes + 100] ^= 1;
  if (accepted) {
    storeBigEndian(batch.begin() + batch_layout::kCrc, crc32c(batch.slice(batch_layout::kAttributes, size)));
  }
  file->write(0, batch);
  file->sync();
}

TEST(Mutant, ABatchThatIsWrongAndAcceptedIsNoticed) {
  Quiet quiet;
  MemoryBroker::Surroundings surroundings;
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  for (bool accepted : {false, true}) {
    CrashRun run(surroundings, folder.path(), "native", "native");
    run.live();
    changeBatch(run.files(), accepted);
    auto complaints = run.crashAndCheck({});
    ASSERT_FALSE(complaints.empty());
    bool invented = false;
    for (auto& complaint : complaints)
      invented |= complaint.find("invented") != std::string::npos;
    // The broker as it is hands nothing out whose checksum does not fit.
    EXPECT_EQ(invented, accepted) << complaints[0];
  }
}

}  // namespace
}  // namespace cambium
