#include "server/main/http_wiring.h"

#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "server/main/system_world.h"

namespace cambium {

namespace {

// The first bytes of a file of /proc; empty when it cannot be read.
kj::String readProc(const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return kj::str();
  KJ_DEFER(close(fd));
  char buffer[4096];
  ssize_t got = read(fd, buffer, sizeof(buffer));
  return got > 0 ? kj::heapString(buffer, static_cast<size_t>(got)) : kj::str();
}

uint64_t countOpenFiles() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  KJ_DEFER(closedir(folder));
  uint64_t count = 0;
  while (readdir(folder) != nullptr)
    ++count;
  // Less ".", ".." and the descriptor of the listing itself.
  return count - kj::min(count, uint64_t{3});
}

// Field 22 of /proc/self/stat (clock ticks after boot), counted from behind the command name, which may hold anything.
double startTimeSeconds() {
  auto stat = readProc("/proc/self/stat");
  const char* afterName = strrchr(stat.cStr(), ')');
  unsigned long long ticks = 0;
  if (afterName == nullptr ||
      sscanf(afterName + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &ticks) != 1) {
    return 0;
  }
  timespec sinceBoot{}, now{};
  clock_gettime(CLOCK_BOOTTIME, &sinceBoot);
  clock_gettime(CLOCK_REALTIME, &now);
  double age =
      static_cast<double>(sinceBoot.tv_sec) - static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return static_cast<double>(now.tv_sec) - age;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

ProcessFacts HttpWiring::Process::facts() {
  ProcessFacts facts;
  unsigned long long pages = 0, resident = 0;
  if (sscanf(readProc("/proc/self/statm").cStr(), "%llu %llu", &pages, &resident) == 2) {
    facts.residentBytes = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  auto memory = readMemoryUse();
  facts.ownBytes = memory.own.value();
  facts.mappedFileBytes = memory.mappedFiles.value();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  facts.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  facts.openFiles = countOpenFiles();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.openFilesMax = limit.rlim_cur;
  static const double startTime = startTimeSeconds();
  facts.startTimeSeconds = startTime;
  return facts;
}

kj::Vector<DoorConnections> HttpWiring::Counters::connections() {
  kj::Vector<DoorConnections> all;
  all.add(describeConnections("kafka"_kj, counts_.kafka));
  all.add(describeConnections("rpc"_kj, counts_.rpc.connections));
  return all;
}

RpcHoldings HttpWiring::Counters::rpcHoldings() {
  auto& calls = counts_.rpc.calls;
  return {calls.calls, calls.capabilities, calls.connectionsClosed};
}

HttpWiring::HttpWiring(Broker& broker, LoopContext& loop, WorkPool& pool, HttpDoorOptions options,
                       const ConnectionCounts& counts)
    : state_(broker), counters_(counts), door_(loop.timer, pool, state_, process_, counters_, kj::mv(options)) {}

void HttpWiring::listen(kj::Array<kj::Own<kj::ConnectionReceiver>> receivers) {
  for (auto& receiver : receivers)
    door_.listen(kj::mv(receiver));
}

}  // namespace cambium
