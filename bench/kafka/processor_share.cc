#include "bench/kafka/processor_share.h"

#include <kj/debug.h>

namespace cambium::bench {

ProcessorShare::ProcessorShare(const BrokerProcess& broker) : broker_(broker) {
  KJ_SYSCALL(sched_getaffinity(0, sizeof(all_), &all_));
  auto count = CPU_COUNT(&all_);
  KJ_REQUIRE(count > 1, "cores=apart needs two processors");
  cpu_set_t mine{};
  cpu_set_t brokers{};
  for (int processor = 0, seen = 0; seen < count; ++processor) {
    if (!CPU_ISSET(processor, &all_)) continue;
    CPU_SET(processor, seen < count / 2 ? &mine : &brokers);
    ++seen;
  }
  KJ_SYSCALL(sched_setaffinity(0, sizeof(mine), &mine));
  broker_.keepTo(brokers);
}

ProcessorShare::~ProcessorShare() noexcept(false) {
  sched_setaffinity(0, sizeof(all_), &all_);
  broker_.keepTo(all_);
}

}  // namespace cambium::bench
