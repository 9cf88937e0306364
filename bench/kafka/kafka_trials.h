#pragma once

#include "bench/comparison.h"
#include "bench/kafka/peers.h"

namespace cambium::bench {

// The trial of one workload (raw-produce, produce, produce-rate, consume) on one broker; throws on any other name. Each
// run has a topic of its own, dropped when it returns; `consume` fills one topic here, and reads it in every run. The
// peer and the workload outlive the trial.
Trial kafkaTrial(const Workload& workload, kj::StringPtr subject, Peer& peer);

// Has a broker do what will be measured until it is warm: some five million records. A virtual machine compiles
// what it runs often; all others are treated alike.
void warmUp(Peer& peer);

}  // namespace cambium::bench
