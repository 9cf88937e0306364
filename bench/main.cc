#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gflags/gflags.h>
#include <sstream>
#include <unistd.h>

#include <kj/debug.h>

#include "bench/report.h"
#include "bench/rpc_trials.h"
#include "bench/storage_subjects.h"
#include "bench/storage_trials.h"
#include "server/main/allocator.h"

DEFINE_string(workloads, "", "File of workloads, for example bench/workloads/default.bench");
DEFINE_string(only, "", "Run only the workloads whose line begins with this, for example rpc-append");
DEFINE_string(dir, "",
              "Folder on the device to measure, where everything is written (and removed again); empty: the system's "
              "place for temporary files");
DEFINE_string(json, "", "File for the results of every round; empty: none");

namespace cambium::bench {
namespace {

kj::String readText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  KJ_REQUIRE(file.good(), "cannot read the file of workloads; name one with --workloads=FILE", path.c_str());
  std::stringstream text;
  text << file.rdbuf();
  return kj::heapString(text.str().c_str());
}

// A folder for this run, removed with what is left in it.
class WorkFolder {
 public:
  WorkFolder() {
    auto place = FLAGS_dir.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(FLAGS_dir);
    path_ = (place / "cambium-bench-XXXXXX").string();
    KJ_REQUIRE(mkdtemp(path_.data()) != nullptr, "cannot make a folder; choose a place with --dir", path_.c_str());
  }
  ~WorkFolder() { std::filesystem::remove_all(path_); }
  KJ_DISALLOW_COPY(WorkFolder);
  kj::StringPtr path() const { return path_.c_str(); }

 private:
  std::string path_;
};

// One line on a terminal that is written over and over; nothing elsewhere.
void showProgress(kj::StringPtr text) {
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K%s", text.cStr());
}

kj::Vector<Trial> trialsOf(const Workload& workload, kj::StringPtr folder) {
  KJ_IF_MAYBE(trials, storageTrials(workload, folder)) return kj::mv(*trials);
  KJ_IF_MAYBE(trials, rpcTrials(workload, folder)) return kj::mv(*trials);
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                    kj::str("there is no workload named ", workload.name, "; bench/README.md lists them")));
}

void run() {
  auto workloads = parseWorkloads(readText(FLAGS_workloads), FLAGS_workloads.c_str());
  kj::Vector<ComparisonResult> results;
  for (auto& workload : workloads) {
    if (!workload.title.startsWith(FLAGS_only.c_str())) continue;
    WorkFolder folder;
    showProgress(kj::str(workload.title, ": preparing"));
    auto trials = trialsOf(workload, folder.path());
    results.add(compare(workload, trials, showProgress));
    showProgress("");
    fputs(describe(results.back()).cStr(), stdout);
    fflush(stdout);
  }
  fputs(kj::str("\n", describeGates(results)).cStr(), stdout);
  if (FLAGS_json.empty()) return;
  std::ofstream out(FLAGS_json, std::ios::binary);
  out << toJson(results).cStr();
  KJ_REQUIRE(out.good(), "cannot write the results", FLAGS_json.c_str());
}

}  // namespace
}  // namespace cambium::bench

int main(int argc, char** argv) {
  cambium::bench::dieIfAsked(argc, argv);
  gflags::SetUsageMessage(
      "Runs named workloads on the storage engines and the broker beside bare probes: bench/README.md\n\n"
      "    cambium_bench --workloads=bench/workloads/default.bench --only=append");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  cambium::keepFreedMemory();  // as cambiumd does
  signal(SIGPIPE, SIG_IGN);
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([] { cambium::bench::run(); })) {
    fprintf(stderr, "cambium_bench: %s\n", exception->getDescription().cStr());
    return 1;
  }
  return 0;
}
