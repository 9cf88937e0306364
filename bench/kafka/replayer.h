#pragma once

#include "bench/batch_source.h"
#include "bench/kafka/broker_process.h"

namespace cambium::bench {

// Sends ready record batches in Produce requests (acks 1) over one connection, `window` of them without an answer yet:
// a client that costs next to nothing, so that the broker is the limit.
struct Replay {
  kj::StringPtr topic;  // partition 0 gets everything
  uint64_t batches;
  uint64_t window;
};

// Latencies are those of requests, from the first byte sent to the answer's last. Throws when a request is refused.
Sample replay(const BrokerProcess& broker, BatchSource& source, const Replay& plan);

// Writes one record to each partition of a new topic, again and again until it is taken: a broker may tell of a topic
// before it leads its partitions. Throws after some seconds.
void awaitWritable(const BrokerProcess& broker, kj::StringPtr topic, int partitions);

}  // namespace cambium::bench
