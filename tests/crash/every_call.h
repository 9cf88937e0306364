#pragma once

#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>

#include <kj/string.h>

#include "tests/crash/quiet.h"
#include "tests/support/memory_file_system.h"

namespace cambium {

// Lives, made anew each time by `begin`, of which the n-th file call fails with `fault`, for every n; then the power
// goes and takes with it what `loss` says. With CAMBIUM_CRASH_POINTS=all that is every call, else some of them, others
// for each fault and kind of loss. A life has:
//
//     files()       its disk
//     live()        what meets the fault
//     crash(loss)   the power goes; a broker starts on what is left
//     check()       whether that is as it may be
//     finish()      the work comes to its end all the same
template <class Begin>
void failAtEveryCall(kj::StringPtr name, MemoryFileSystem::Fault fault, MemoryFileSystem::Loss loss, Begin&& begin) {
  constexpr uint64_t kSampleStep = 10;
  Quiet quiet;
  bool all = kj::StringPtr(getenv("CAMBIUM_CRASH_POINTS") ?: "") == "all";
  uint64_t step = all ? 1 : kSampleStep;
  uint64_t points = 0;
  for (uint64_t n = all ? 1 : 1 + static_cast<uint64_t>(fault) * 3 + static_cast<uint64_t>(loss.kind);; n += step) {
    SCOPED_TRACE(kj::str("file call ", n).cStr());
    auto life = begin();
    auto before = life->files().mutations();
    life->files().failAt(n, fault);
    life->live();
    bool met = life->files().mutations() - before >= n;
    loss.seed = n;
    life->crash(loss);
    life->check();
    if (::testing::Test::HasFailure()) return;
    life->finish();
    if (::testing::Test::HasFailure()) return;
    if (!met) break;
    ++points;
  }
  EXPECT_GT(points * step, 50u);
  printf("%s: power or a call failed at %lu file calls\n", name.cStr(), points);
}

}  // namespace cambium
