#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gflags/gflags.h>
#include <map>
#include <sched.h>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>

#include <kj/debug.h>

#include "bench/kafka/kafka_trials.h"
#include "bench/kafka/table.h"
#include "bench/report.h"
#include "server/main/allocator.h"

DEFINE_string(workloads, "bench/workloads/kafka.bench", "File of workloads");
DEFINE_string(only, "", "Run only the workloads whose line begins with this, for example raw-produce");
DEFINE_string(subjects, "", "Run only these brokers, for example cambium,null; empty: all that a workload names");
DEFINE_int32(rounds, 0, "Rounds of every workload; 0: as the file says");
DEFINE_bool(warm, true, "Have every broker do five million records before anything is measured");
DEFINE_string(dir, "",
              "Folder on the device to measure (removed again what is made in it); empty: that for temporary files");
DEFINE_string(json, "", "File for the results of every round; empty: none");
DEFINE_string(cambiumd, "build/release/cambiumd", "The broker");
DEFINE_string(null_broker, "build/release/cambium_null_kafka", "The null broker");
DEFINE_string(start_kafka, "bench/peers/start_kafka", "What runs Apache Kafka");

namespace cambium::bench {
namespace {

// A folder for this run, removed with what is left in it.
class WorkFolder {
 public:
  WorkFolder() {
    auto place = FLAGS_dir.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(FLAGS_dir);
    path_ = (place / "cambium-bench-XXXXXX").string();
    KJ_REQUIRE(mkdtemp(path_.data()) != nullptr, "cannot make a folder; choose a place with --dir", path_.c_str());
  }
  ~WorkFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  KJ_DISALLOW_COPY(WorkFolder);
  kj::String child(kj::StringPtr name) const { return kj::str(path_.c_str(), "/", name); }

 private:
  std::string path_;
};

void showProgress(kj::StringPtr text) {
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K%s", text.cStr());
}

// The brokers of a run, started when first asked for. One that cannot run here is told of once and left out.
class Peers {
 public:
  explicit Peers(const WorkFolder& folder) : folder_(folder) {
    std::stringstream names(FLAGS_subjects);
    for (std::string name; std::getline(names, name, ',');)
      wanted_.insert(name);
  }

  kj::Maybe<Peer&> find(kj::StringPtr name) {
    std::string key = name.cStr();
    if (!wanted_.empty() && wanted_.count(key) == 0) return nullptr;
    auto known = peers_.find(key);
    if (known == peers_.end()) known = peers_.emplace(key, start(name)).first;
    KJ_IF_MAYBE(peer, known->second) return **peer;
    return nullptr;
  }

 private:
  kj::Maybe<kj::Own<Peer>> start(kj::StringPtr name) {
    kj::Maybe<kj::Own<Peer>> started;
    showProgress(kj::str(name, ": starting and warming up"));
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                  Programs programs{kj::str(FLAGS_cambiumd.c_str()), kj::str(FLAGS_null_broker.c_str()),
                                    kj::str(FLAGS_start_kafka.c_str())};
                  auto peer = Peer::start(name, programs, folder_.child(name));
                  if (FLAGS_warm) warmUp(*peer);
                  started = kj::mv(peer);
                })) {
      showProgress("");
      printf("%s is skipped: %s\n\n", name.cStr(), exception->getDescription().cStr());
      fflush(stdout);
    }
    return started;
  }

  const WorkFolder& folder_;
  std::set<std::string> wanted_;
  std::map<std::string, kj::Maybe<kj::Own<Peer>>> peers_;
};

// Leaves out subjects that do not run here, and gates that ask for them.
kj::Vector<Trial> trialsOf(Workload& workload, Peers& peers) {
  kj::Vector<Trial> trials;
  std::set<std::string> present;
  for (auto& subject : workload.subjects) {
    KJ_IF_MAYBE(peer, peers.find(subject)) {
      showProgress(kj::str(workload.title, ": preparing ", subject));
      trials.add(kafkaTrial(workload, subject, *peer));
      present.insert(subject.cStr());
    }
  }
  kj::Vector<Gate> gates;
  for (auto& gate : workload.gates) {
    if (present.count(gate.subject.cStr()) > 0 && present.count(gate.probe.cStr()) > 0) gates.add(kj::mv(gate));
  }
  workload.gates = kj::mv(gates);
  if (FLAGS_rounds > 0) workload.rounds = static_cast<unsigned>(FLAGS_rounds);
  return trials;
}

// Runs them all; a workload that fails is told of and does not keep the others from running. Returns whether none did.
bool runAll(kj::Vector<Workload>& workloads, Peers& peers, kj::Vector<ComparisonResult>& results) {
  bool sound = true;
  for (auto& workload : workloads) {
    if (!workload.title.startsWith(FLAGS_only.c_str())) continue;
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                  auto trials = trialsOf(workload, peers);
                  if (trials.empty()) return;
                  results.add(compare(workload, trials, showProgress));
                  showProgress("");
                  printf("%s\n", kafkaTable(results.back()).cStr());
                })) {
      showProgress("");
      printf("%s\n  FAILED: %s\n\n", workload.title.cStr(), exception->getDescription().cStr());
      sound = false;
    }
    fflush(stdout);
  }
  return sound;
}

bool run() {
  std::ifstream file(FLAGS_workloads, std::ios::binary);
  KJ_REQUIRE(file.good(), "cannot read the file of workloads; name one with --workloads=FILE", FLAGS_workloads.c_str());
  std::stringstream text;
  text << file.rdbuf();
  auto workloads = parseWorkloads(kj::heapString(text.str().c_str()), FLAGS_workloads.c_str());
  WorkFolder folder;
  Peers peers(folder);
  kj::Vector<ComparisonResult> results;
  bool sound = runAll(workloads, peers, results);
  fputs(describeGates(results).cStr(), stdout);
  if (FLAGS_json.empty()) return sound;
  std::ofstream out(FLAGS_json, std::ios::binary);
  out << toJson(results).cStr();
  KJ_REQUIRE(out.good(), "cannot write the results", FLAGS_json.c_str());
  return sound;
}

}  // namespace
}  // namespace cambium::bench

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "Runs named workloads of Kafka clients on our broker, on Apache Kafka and on a null broker: bench/README.md\n\n"
      "    cambium_kafka_bench --workloads=bench/workloads/kafka.bench --only=raw-produce --subjects=cambium,null");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  cambium::keepFreedMemory();
  signal(SIGPIPE, SIG_IGN);
  bool sound = false;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { sound = cambium::bench::run(); })) {
    fprintf(stderr, "cambium_kafka_bench: %s\n", exception->getDescription().cStr());
    return 1;
  }
  return sound ? 0 : 1;
}
