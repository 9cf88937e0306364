// Each file of a data directory damaged in each of some ways, after a clean stop and after kills. Everything that was
// acknowledged is there, or the broker says, naming the file, what is not: never less without a word. What the broker
// does not serve, `cambium inspect --verify` finds as well.
//
// CAMBIUM_DAMAGE=all tries every file with every damage (make damage); else a sample.

#include <cstdlib>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/native/disk_file_system.h"
#include "backends/native/native_files.h"
#include "engine/broker/data_directory.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/directory_image.h"
#include "tests/support/temporary_folder.h"
#include "tools/inspect/inspect.h"

namespace cambium {
namespace {

struct Deployment {
  const char* name;
  const char* log;
  const char* state;
};

// How a life ends that is damaged afterwards.
struct Ending {
  const char* name;
  bool cleanly;
  double killedAt;  // which part of the life's file calls is done by then; 1: all
};

constexpr Ending kEndings[] = {
    {"after a clean stop", true, 1},
    {"after a kill", false, 1},
    {"after a kill in the middle", false, 0.55},
    {"after a kill while topics move", false, 0.7},
};

// What belongs to RocksDB is damaged by tests of that engine: tests/unit/rocksdb.
bool isTried(const std::string& path) {
  return path != "rocksdb" && path.rfind("rocksdb/", 0) != 0;
}

// The warnings of a broker, while this is on the stack.
class Listening final : public kj::ExceptionCallback {
 public:
  std::vector<std::string> heard;
  void logMessage(kj::LogSeverity severity, const char*, int, int, kj::String&& text) override {
    if (severity >= kj::LogSeverity::WARNING) heard.push_back(text.cStr());
  }
};

// One case: `contents` is what the file held; empty when the damage is none here.
struct Damage {
  std::string name;
  std::optional<std::string> contents;  // null: gone
  bool isFolder = false;
};

class DamageTest : public ::testing::TestWithParam<Deployment> {
 public:
  ~DamageTest() noexcept override = default;

 protected:
  struct Life {
    MemoryBroker::Surroundings surroundings;
    TemporaryFolder folder{TemporaryFolder::inMemory()};
    std::unique_ptr<CrashRun> run;
  };

  static bool all() { return kj::StringPtr(getenv("CAMBIUM_DAMAGE") ?: "") == "all"; }

  // A life of `calls` file calls, or all of it.
  std::unique_ptr<Life> live(uint64_t calls, uint64_t entropy = 1) {
    auto life = std::make_unique<Life>();
    life->surroundings.entropy = entropy;
    life->run = std::make_unique<CrashRun>(life->surroundings, life->folder.path(), GetParam().log, GetParam().state);
    if (calls > 0) life->run->files().failAt(calls, MemoryFileSystem::Fault::kPowerOff);
    life->run->live();
    return life;
  }
  DirectoryImage imageAfter(uint64_t calls, uint64_t entropy) {
    auto life = live(calls, entropy);
    life->run->end(false);
    return imageOf(life->run->files());
  }

  std::vector<Damage> damagesOf(const std::string& path, const std::string& contents) {
    std::vector<Damage> damages{{"gone", std::nullopt}, {"a folder in its place", std::nullopt, true}};
    if (contents.empty()) return damages;
    damages.push_back({"empty", ""});
    damages.push_back({"half of it", contents.substr(0, contents.size() / 2)});
    for (size_t i = 0; i < 10; ++i) {
      auto flipped = contents;
      size_t at = contents.size() * i / 10;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << (i % 8)));
      damages.push_back({kj::str("a bit of byte ", at).cStr(), flipped});
    }
    auto noise = contents;
    for (auto& byte : noise)
      byte = static_cast<char>(random());
    damages.push_back({"random bytes", noise});
    auto add = [&](const char* name, const DirectoryImage& image, const std::string& other) {
      auto found = image.find(other);
      if (found == image.end() || !found->second || *found->second == contents) return;
      damages.push_back({name, *found->second});
    };
    add("an older copy", older, path);
    add("another broker's", foreign, path);
    for (auto& [other, held] : image) {
      if (other == path || !isSameKind(other, path)) continue;
      add("another log's", image, other);
      break;
    }
    return damages;
  }
  static bool isSameKind(const std::string& a, const std::string& b) {
    auto nameOf = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
    return nameOf(a) == nameOf(b) && isTried(a);
  }

  bool isKnownKind(const std::string& path) {
    constexpr kj::StringPtr kNative = "native/"_kj;
    if (path == "native" || !isTried(path)) return true;
    kj::StringPtr text = path.c_str();
    if (text.startsWith(kNative)) return kindOf(nativeFileKinds(), text.slice(kNative.size())) != nullptr;
    return kindOf(dataDirectoryFileKinds(), text) != nullptr;
  }

  bool names(const std::vector<std::string>& lines, const std::string& path) {
    auto slash = path.rfind('/');
    auto name = path.substr(slash + 1);
    auto folder = slash == std::string::npos ? "" : path.substr(0, slash);
    bool isOfFolder = folder.find('/') != std::string::npos;
    folder = folder.substr(folder.rfind('/') + 1);
    for (auto& line : lines) {
      if (line.find(name) != std::string::npos || (isOfFolder && line.find(folder) != std::string::npos)) return true;
    }
    return false;
  }

  void tryCase(CrashRun& run, const std::string& path, const Damage& damage) {
    SCOPED_TRACE(path + ": " + damage.name);
    auto damaged = image;
    damaged.erase(path);
    if (damage.contents) damaged[path] = damage.contents;
    if (damage.isFolder) damaged[path] = std::nullopt;
    restore(run.files(), damaged);
    ++cases;
    std::vector<std::string> said;
    bool served = true;
    CrashRun::Complaints complaints;
    {
      Listening listening;
      complaints = run.startAndCheck(said, served, needAll);
      said.insert(said.end(), listening.heard.begin(), listening.heard.end());
    }
    bool named = names(said, path);
    for (auto& complaint : complaints) {
      // With the state of a log gone, what was deleted of it shows again; that is said.
      bool isMore = complaint.find("deleted records are back") != std::string::npos && named;
      bool saysWhy = names({complaint}, path);
      EXPECT_TRUE(isMore || saysWhy) << complaint << "\nsaid: " << (said.empty() ? "nothing" : said[0]);
    }
    if (served) return;
    ++refused;
    EXPECT_TRUE(named) << "what is not served is not explained: " << said[0];
    // A lock is the business of whoever runs.
    if (!path.ends_with("lock")) expectInspectFinds(damaged, path);
  }

  void expectInspectFinds(const DirectoryImage& damaged, const std::string& path) {
    TemporaryFolder onDisk(TemporaryFolder::inMemory());
    DiskFileSystem disk(onDisk.path("data"), 16);
    restore(disk, damaged);
    int out = memfd_create("inspect", 0);
    {
      tools::Output output(out, out);
      tools::InspectOptions options{.path = onDisk.path("data"), .verify = true};
      tools::inspect(options, output);
      output.flush();
    }
    std::string text(static_cast<size_t>(lseek(out, 0, SEEK_END)), '\0');
    ASSERT_EQ(pread(out, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    ::close(out);
    EXPECT_TRUE(names({text}, path)) << "inspect does not see it: " << text;
  }

  std::mt19937_64 random{1};
  DirectoryImage image, older, foreign;
  size_t cases = 0, refused = 0;
  // After a kill nothing vouches for what was never synced (durability=os): docs/damage.md.
  bool needAll = true;
};

INSTANTIATE_TEST_SUITE_P(Every, DamageTest,
                         ::testing::Values(Deployment{"native", "native", "native"},
                                           Deployment{"hybrid", "native", "rocksdb"},
                                           Deployment{"rocksdb", "rocksdb", "rocksdb"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(DamageTest, NothingAcknowledgedIsLostWithoutAWord) {
  uint64_t calls;
  {
    Listening quiet;
    auto whole = live(0);
    calls = whole->run->files().mutations();
    whole->run->end(false);
    for (auto& path : whole->run->files().namesMade())
      EXPECT_TRUE(isKnownKind(path)) << path
                                     << " is of no kind that nativeFileKinds() or dataDirectoryFileKinds() list";
    whole = nullptr;
    older = imageAfter(calls / 2, 1);
    foreign = imageAfter(0, 2);
  }
  for (auto& ending : kEndings) {
    SCOPED_TRACE(ending.name);
    auto life = [&] {
      Listening quiet;
      auto lived = live(ending.killedAt < 1 ? static_cast<uint64_t>(static_cast<double>(calls) * ending.killedAt) : 0);
      lived->run->end(ending.cleanly);
      return lived;
    }();
    auto& run = *life->run;
    needAll = ending.cleanly;
    image = imageOf(run.files());
    std::vector<std::pair<std::string, Damage>> chosen;
    for (auto& [path, contents] : image) {
      if (!contents || !isTried(path)) continue;
      for (auto& damage : damagesOf(path, *contents))
        chosen.emplace_back(path, damage);
    }
    if (!all()) {
      constexpr size_t kSample = 15;
      std::shuffle(chosen.begin(), chosen.end(), random);
      chosen.resize(std::min(chosen.size(), kSample));
    }
    // Undamaged, so that what follows shows something.
    {
      Listening quiet;
      std::vector<std::string> said;
      bool served = true;
      auto complaints = run.startAndCheck(said, served, true);
      EXPECT_TRUE(complaints.empty() && served) << (complaints.empty() ? said[0] : complaints[0]);
    }
    for (auto& [path, damage] : chosen)
      tryCase(run, path, damage);
  }
  printf("%s: %zu cases of damage, %zu of them not served in full, and explained\n", GetParam().name, cases, refused);
  EXPECT_GT(refused, 0u) << "nothing was ever refused: this shows nothing";
}

// A recovery that takes what is missing for new is found: here the register, the marks and the states are taken away
// with a log, as if nobody had ever looked for it.
TEST(DamageCanary, ARecoveryThatTrustsAMissingFileIsNoticed) {
  Listening quiet;
  MemoryBroker::Surroundings surroundings;
  TemporaryFolder folder{TemporaryFolder::inMemory()};
  CrashRun run(surroundings, folder.path(), "native", "rocksdb");
  run.live();
  run.end(false);
  DirectoryImage without;
  for (auto& [path, contents] : imageOf(run.files())) {
    bool ofLog = path.rfind("native/native-fsync", 0) == 0;
    bool ofRegister = path.rfind("native/tables", 0) == 0 || path == "native/recovery-checkpoint";
    if (!ofLog && !ofRegister) without[path] = contents;
  }
  restore(run.files(), without);
  std::vector<std::string> said;
  bool served = true;
  auto complaints = run.startAndCheck(said, served, false);
  EXPECT_FALSE(complaints.empty()) << "records that are gone are not missed by the oracle";
}

}  // namespace
}  // namespace cambium
