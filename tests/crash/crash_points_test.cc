#include <cstdlib>
#include <gtest/gtest.h>
#include <random>

#include "tests/crash/crash_run.h"
#include "tests/crash/quiet.h"
#include "tests/support/temporary_folder.h"

// The exhaustive enumeration: a small life of a broker (CrashRun), in which power fails at every file call in turn, or
// the call fails. CAMBIUM_CRASH_POINTS=all tries every call with every loss; else a sample, with the losses in turn.
// CAMBIUM_CRASH_POINT=n tries one call only.

namespace cambium {
namespace {

using Loss = MemoryFileSystem::Loss;
using Fault = MemoryFileSystem::Fault;

struct Engines {
  const char* name;
  const char* log;
  const char* state;
};

struct NamedLoss {
  const char* name;
  Loss loss;
};

const NamedLoss kLosses[] = {
    {"unsynced lost", {Loss::Kind::kUnsynced}},          {"killed", {Loss::Kind::kNothing}},
    {"torn at 512", {Loss::Kind::kTorn, 512}},           {"torn at 4096", {Loss::Kind::kTorn, 4096}},
    {"reordered by 512", {Loss::Kind::kReordered, 512}}, {"reordered by 4096", {Loss::Kind::kReordered, 4096}},
};
const struct {
  const char* name;
  Fault fault;
} kFaults[] = {{"EIO", Fault::kIoError}, {"ENOSPC", Fault::kNoSpace}, {"a torn write", Fault::kTornWrite}};

class CrashPoints : public ::testing::TestWithParam<Engines> {
 public:
  ~CrashPoints() noexcept override = default;

 protected:
  std::unique_ptr<CrashRun> newRun() {
    return std::make_unique<CrashRun>(surroundings, folder.path(), GetParam().log, GetParam().state);
  }
  static bool all() { return kj::StringPtr(getenv("CAMBIUM_CRASH_POINTS") ?: "") == "all"; }
  // At each call every loss and every fault, not one of them in turn.
  static bool each() { return all() || getenv("CAMBIUM_CRASH_POINT") != nullptr; }
  // Of `points` calls those that are tried.
  static std::vector<uint64_t> sample(uint64_t points, uint64_t count) {
    std::vector<uint64_t> chosen;
    if (auto* one = getenv("CAMBIUM_CRASH_POINT")) return {kj::StringPtr(one).parseAs<uint64_t>()};
    uint64_t step = all() ? 1 : std::max<uint64_t>(1, points / count);
    for (uint64_t n = 1; n <= points; n += step)
      chosen.push_back(n);
    return chosen;
  }
  // The calls of a life without a fault, and where they went.
  uint64_t countCalls() {
    auto run = newRun();
    run->live();
    EXPECT_STREQ(run->step(), "read in the end");
    EXPECT_GT(run->safeCount(), 40u) << "little was acknowledged: this shows nothing";
    auto complaints = run->checkRunning();
    EXPECT_TRUE(complaints.empty()) << complaints[0];
    std::string places;
    for (auto& [place, count] : run->files().mutationsByFolder())
      places += kj::str(" ", count, " in ", place == "" ? "the root" : place.c_str(), ",").cStr();
    auto calls = run->files().mutations();
    printf("%s: %lu file calls:%s\n", GetParam().name, calls, places.c_str());
    return calls;
  }
  // Each of them tells the same.
  static bool tooManyFailures() {
    constexpr int kFailuresMax = 5;
    return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count() >= kFailuresMax;
  }
  void expectNone(const CrashRun::Complaints& complaints, CrashRun& run, uint64_t n, const char* what) {
    if (complaints.empty()) return;
    std::string text;
    for (auto& complaint : complaints)
      text += "\n  " + complaint;
    ADD_FAILURE() << what << " at call " << n << " (" << run.files().failedAt() << "), in the step \"" << run.step()
                  << "\":" << text;
  }

  MemoryBroker::Surroundings surroundings;
  TemporaryFolder folder{TemporaryFolder::inMemory()};
};

INSTANTIATE_TEST_SUITE_P(Every, CrashPoints,
                         ::testing::Values(Engines{"native", "native", "native"},
                                           Engines{"rocksdb", "rocksdb", "rocksdb"},
                                           Engines{"hybrid", "native", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(CrashPoints, PowerMayFailAtEveryCall) {
  Quiet quiet;
  auto points = sample(countCalls(), 20);
  size_t tried = 0, turn = 0;
  for (auto n : points) {
    if (tooManyFailures()) break;
    ++turn;
    for (size_t i = 0; i < std::size(kLosses); ++i) {
      if (!each() && i != turn % std::size(kLosses)) continue;
      auto run = newRun();
      run->files().failAt(n, Fault::kPowerOff);
      run->live();
      auto loss = kLosses[i].loss;
      loss.seed = n;
      expectNone(run->crashAndCheck(loss), *run, n, kLosses[i].name);
      ++tried;
    }
  }
  printf("%s: power failed at %zu calls, %zu trials in all\n", GetParam().name, points.size(), tried);
}

TEST_P(CrashPoints, EveryCallMayFail) {
  Quiet quiet;
  auto points = sample(countCalls(), 20);
  size_t tried = 0, turn = 0;
  for (auto n : points) {
    if (tooManyFailures()) break;
    ++turn;
    for (size_t i = 0; i < std::size(kFaults); ++i) {
      if (!each() && i != turn % std::size(kFaults)) continue;
      auto run = newRun();
      run->files().failAt(n, kFaults[i].fault);
      run->live();
      expectNone(run->checkRunning(), *run, n, kFaults[i].name);
      auto loss = kLosses[n % std::size(kLosses)].loss;
      loss.seed = n;
      expectNone(run->crashAndCheck(loss), *run, n, (std::string(kFaults[i].name) + ", then a crash").c_str());
      ++tried;
    }
  }
  printf("%s: %zu calls failed, %zu trials in all\n", GetParam().name, points.size(), tried);
}

// Every file that holds anything, with its size.
void listFiles(FileSystem& files, kj::StringPtr folder, std::vector<std::pair<std::string, uint64_t>>& found) {
  for (auto& entry : files.list(folder)) {
    auto path = folder.size() == 0 ? kj::str(entry.name) : kj::str(folder, "/", entry.name);
    if (entry.isDirectory) {
      listFiles(files, path, found);
    } else if (entry.sizeBytes > 0) {
      found.emplace_back(path.cStr(), entry.sizeBytes);
    }
  }
}

// A damaged byte may cost what it damages, and then that is said; it never makes anything up.
TEST_P(CrashPoints, AFlippedBitInventsNothing) {
  Quiet quiet;
  uint64_t trials = all() ? 2000 : 8;
  size_t noticed = 0;
  for (uint64_t seed = 1; seed <= trials; ++seed) {
    std::mt19937_64 random(seed);
    auto run = newRun();
    run->live();
    std::vector<std::pair<std::string, uint64_t>> files;
    listFiles(run->files(), "", files);
    auto& [path, size] = files[random() % files.size()];
    auto bit = random() % (size * 8);
    run->files().flipBit(path.c_str(), bit);
    CrashRun::Complaints wrong;
    auto complaints = run->crashAndCheck({Loss::Kind::kNothing});
    noticed += !complaints.empty();
    for (auto& complaint : complaints) {
      for (auto* word : {"invented", "out of order", "was acknowledged at", "replaced at", "another topic"}) {
        if (complaint.find(word) != std::string::npos) wrong.push_back(complaint);
      }
    }
    expectNone(wrong, *run, seed, (path + ", bit " + std::to_string(bit) + " flipped: seed in place of call").c_str());
    if (tooManyFailures()) break;
  }
  printf("%s: %lu bits flipped, %zu of them cost something\n", GetParam().name, trials, noticed);
}

}  // namespace
}  // namespace cambium
