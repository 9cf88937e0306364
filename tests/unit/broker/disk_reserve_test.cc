#include "engine/broker/disk_reserve.h"

#include <gtest/gtest.h>

#include "tests/support/limited_file_system.h"
#include "tests/support/memory_file_system.h"

namespace cambium {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// A device of 1000 MiB, of which a file takes what a test says.
class DiskReserveTest : public ::testing::Test {
 public:
  ~DiskReserveTest() noexcept override = default;

 protected:
  DiskReserve& make(kj::Maybe<Bytes> bytes = mebibytes(64)) {
    return *(reserve = kj::heap<DiskReserve>(files, bytes, [this] { return Bytes(owed); }));
  }
  void leaveFree(uint64_t bytes) { files.setCapacity(files.used() + bytes); }
  bool hasFile() { return files.exists("cambium.reserve"); }
  std::string admit(uint64_t bytes) {
    auto admitted = reserve->admit(bytes);
    return admitted.ok() ? "" : kj::str(admitted.error()).cStr();
  }

  MemoryFileSystem memory;
  LimitedFileSystem files{memory, 1000 * kMiB};
  uint64_t owed = 0;
  kj::Own<DiskReserve> reserve;
};

TEST_F(DiskReserveTest, TheDefaultIsTheLargerOfTheTwo) {
  EXPECT_EQ(DiskReserve::defaultReserve(mebibytes(1000)), mebibytes(64));
  EXPECT_EQ(DiskReserve::defaultReserve(mebibytes(10'000)), mebibytes(100));
  EXPECT_EQ(make(nullptr).status().reserve, mebibytes(64));
}

TEST_F(DiskReserveTest, RefusesBelowTheReserveAndSaysWhatToDo) {
  make();
  EXPECT_EQ(admit(kMiB), "");
  EXPECT_TRUE(reserve->whyRefusing() == nullptr);
  leaveFree(63 * kMiB);
  reserve->look();
  auto refused = admit(1);
  for (auto* part : {"KAFKA_STORAGE_ERROR: the device of memory: has 63 MiB free", "a reserve of 64 MiB",
                     "--disk_reserve_bytes", "cambium records delete", "retention.bytes"}) {
    EXPECT_NE(refused.find(part), std::string::npos) << part << "\n" << refused;
  }
  EXPECT_TRUE(reserve->status().full);
  EXPECT_TRUE(reserve->whyRefusing() != nullptr);
}

TEST_F(DiskReserveTest, RecoversByItselfWithSomeRoomToSpare) {
  make();
  leaveFree(10 * kMiB);
  reserve->look();
  EXPECT_NE(admit(1), "");
  leaveFree(65 * kMiB);
  reserve->look();
  EXPECT_NE(admit(1), "") << "not with every little bit";
  leaveFree(80 * kMiB);
  EXPECT_NE(admit(1), "") << "nobody has looked";
  reserve->look();
  EXPECT_EQ(admit(1), "");
  EXPECT_FALSE(reserve->status().full);
}

// However fast it is written: what was admitted since the last look counts.
TEST_F(DiskReserveTest, NobodyRunsThroughTheReserveBetweenTwoLooks) {
  make();
  leaveFree(100 * kMiB);
  reserve->look();
  uint64_t taken = 0;
  while (admit(kMiB) == "") {
    taken += kMiB;
    ASSERT_LE(taken, 36 * kMiB);
    leaveFree(100 * kMiB - taken);
  }
  EXPECT_GE(taken, 34 * kMiB);
}

// An engine that writes everything twice, the second time from memory.
TEST_F(DiskReserveTest, WhatIsOwedForWhatWasAdmittedSinceTheLastLookCounts) {
  make();
  leaveFree(100 * kMiB);
  reserve->look();
  uint64_t taken = 0;
  while (admit(kMiB) == "") {
    taken += kMiB;
    owed = taken;
    leaveFree(100 * kMiB - taken);
    ASSERT_GE(100 * kMiB - 2 * taken, 64 * kMiB);
  }
  EXPECT_GE(taken, 16 * kMiB);
}

TEST_F(DiskReserveTest, OneAppendThatIsTooLargeForTheRoomIsRefused) {
  make();
  leaveFree(70 * kMiB);
  reserve->look();
  EXPECT_NE(admit(7 * kMiB), "");
}

TEST_F(DiskReserveTest, ItStaysFullUntilWhatWasRefusedFits) {
  make();
  leaveFree(74 * kMiB);
  reserve->look();
  EXPECT_NE(admit(6 * kMiB), "");
  reserve->look();
  EXPECT_NE(admit(1), "");
  leaveFree(77 * kMiB);
  reserve->look();
  EXPECT_EQ(admit(6 * kMiB), "");
}

TEST_F(DiskReserveTest, AnAppendThatIsTooLargeDoesNotKeepOthersOut) {
  make();
  leaveFree(80 * kMiB);
  reserve->look();
  EXPECT_NE(admit(10 * kMiB), "");
  EXPECT_FALSE(reserve->status().full);
  EXPECT_EQ(admit(kMiB), "");
}

TEST_F(DiskReserveTest, WhatEnginesStillHaveToWriteCounts) {
  make();
  leaveFree(100 * kMiB);
  owed = 50 * kMiB;
  reserve->look();
  auto refused = admit(1);
  EXPECT_NE(refused.find("50 MiB are needed for what is in memory"), std::string::npos) << refused;
  owed = 0;
  reserve->look();
  EXPECT_EQ(admit(1), "");
}

TEST_F(DiskReserveTest, ZeroTurnsItOff) {
  make(Bytes(0));
  leaveFree(0);
  reserve->look();
  EXPECT_EQ(admit(kMiB), "");
  EXPECT_FALSE(reserve->status().full);
  EXPECT_FALSE(reserve->wantsFile());
}

TEST_F(DiskReserveTest, TheFileGivesWayOnlyToWhoFillsTheDeviceToTheBrim) {
  make();
  ASSERT_TRUE(reserve->wantsFile());
  reserve->keepFile();
  EXPECT_TRUE(hasFile());
  EXPECT_FALSE(reserve->wantsFile());
  leaveFree(10 * kMiB);
  reserve->makeRoom();
  EXPECT_TRUE(hasFile()) << "there is room";
  leaveFree(kMiB);
  reserve->makeRoom();
  EXPECT_FALSE(hasFile());
  EXPECT_EQ(reserve->status().free, mebibytes(5));
  reserve->look();
  EXPECT_FALSE(reserve->wantsFile()) << "not while the device is full";
  leaveFree(100 * kMiB);
  reserve->look();
  EXPECT_TRUE(reserve->wantsFile());
}

TEST_F(DiskReserveTest, TheFileGivesWayToAStart) {
  make().keepFile();
  leaveFree(0);
  make();
  EXPECT_FALSE(hasFile());
  EXPECT_TRUE(reserve->status().full);
}

TEST_F(DiskReserveTest, AFileThatFindsNoRoomIsNotLeftBehind) {
  make();
  leaveFree(2 * kMiB);
  reserve->keepFile();
  EXPECT_FALSE(hasFile());
}

TEST_F(DiskReserveTest, ThatCannotBeWrittenRefusesAndSaysWhy) {
  // Also where nothing is kept free.
  for (auto bytes : {Bytes(0), mebibytes(64)}) {
    make(bytes);
    EXPECT_TRUE(reserve->requireWritable().ok());
    files.setReadOnly(true);
    EXPECT_FALSE(reserve->requireWritable().ok()) << "looks by itself";
    EXPECT_NE(admit(1).find("is read-only"), std::string::npos);
    EXPECT_TRUE(reserve->status().whyReadOnly != nullptr);
    EXPECT_TRUE(KJ_ASSERT_NONNULL(reserve->whyRefusing()).startsWith("read-only: "));
    EXPECT_FALSE(reserve->wantsFile());
    files.setReadOnly(false);
    reserve->look();
    EXPECT_EQ(admit(1), "");
    EXPECT_TRUE(reserve->whyRefusing() == nullptr);
  }
}

}  // namespace
}  // namespace cambium
