#pragma once

#include "bench/comparison.h"

namespace cambium::bench {

// The trials of a workload over RPC; null when the workload is none of these. README.md says what each workload and
// subject does. Throws for a subject that there is not.
kj::Maybe<kj::Vector<Trial>> rpcTrials(const Workload& workload, kj::StringPtr folder);

}  // namespace cambium::bench
