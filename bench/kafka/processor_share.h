#pragma once

#include <sched.h>

#include "bench/kafka/broker_process.h"

namespace cambium::bench {

// Gives the client and the broker processors of their own while it lives, as they have where they are machines of their
// own: half of what this program may use for the thread that makes this object and for those which it starts
// meanwhile, the other half for the broker. Throws when there is only one processor.
class ProcessorShare {
 public:
  explicit ProcessorShare(const BrokerProcess& broker);
  ~ProcessorShare() noexcept(false);
  KJ_DISALLOW_COPY(ProcessorShare);

 private:
  const BrokerProcess& broker_;
  cpu_set_t all_{};
};

}  // namespace cambium::bench
