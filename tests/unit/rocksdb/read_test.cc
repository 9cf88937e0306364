#include <rocksdb/perf_context.h>
#include <rocksdb/perf_level.h>

#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

using Reads = RocksTest;

uint64_t comparisonsOf(const std::function<void()>& work) {
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  KJ_DEFER(rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable));
  auto& count = rocksdb::get_perf_context()->user_key_comparison_count;
  auto before = count;
  work();
  return count - before;
}

// Rows that were deleted and are still in memory lie in front of the log's start, and behind the end of the log before.
TEST_F(Reads, DoNotWadeThroughWhatWasDeleted) {
  constexpr int kBatches = 3000;
  open();
  auto before = log("before");
  auto words = log("words");
  add(*before, 10, 1);
  add(*words, kBatches, 1);
  // Farther back than the rows that a log keeps in its own memory.
  auto start = words->bounds().end - 2000;
  words->dropBefore(start);
  auto bounds = words->bounds();
  for (auto from : {start, start + 3, start + 10, start + 25}) {
    // As after a read elsewhere, so that nothing is known of where this one begins.
    words->read(bounds.end - 10, bounds.end, kNoLimit);
    auto comparisons = comparisonsOf([&] { EXPECT_GT(words->read(from, bounds.end, Bytes(1)).size(), 0u); });
    EXPECT_GT(comparisons, 0u);
    EXPECT_LT(comparisons, 1000u) << from.value();
  }
  // What was opened anew has no rows in its own memory.
  before = nullptr;
  before = log("before");
  auto end = before->bounds().end;
  EXPECT_LT(comparisonsOf([&] { before->read(end - 15, end, kNoLimit); }), 1000u);
  EXPECT_LT(comparisonsOf([&] { before->read(end - 5, end, kNoLimit); }), 1000u);
  // Dropping more does not wade either.
  EXPECT_LT(comparisonsOf([&] { words->dropBefore(start + 40); }), 10'000u);
  expectWhole(*before, 1);
}

}  // namespace
}  // namespace cambium
