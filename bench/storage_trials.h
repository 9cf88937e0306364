#pragma once

#include "bench/comparison.h"
#include "bench/fresh_memory.h"

namespace cambium::bench {

// The trials of a workload over storage engines and bare files; null when the workload is none of these. README.md says
// what each workload and subject does. `folder` exists; everything is made below it. Throws for a subject that the
// workload does not have.
kj::Maybe<kj::Vector<Trial>> storageTrials(const Workload& workload, kj::StringPtr folder);

// Parts of it.

// Where trials put their files: a fresh name at each call.
class Places {
 public:
  explicit Places(kj::StringPtr folder) : folder_(kj::str(folder)) {}
  kj::String fresh(kj::StringPtr label) { return kj::str(folder_, "/", label, "-", ++count_); }

  // The used pages that one trial has taken stay taken for the next.
  FreshMemory freshMemory;

 private:
  kj::String folder_;
  unsigned count_ = 0;
};

bool isEngine(kj::StringPtr subject);
[[noreturn]] void refuseSubject(const Workload& workload, kj::StringPtr subject);

// append, sync, commit: what writes.
kj::Function<Sample()> appendTrial(const Workload& workload, kj::StringPtr subject, Places& places);
kj::Function<Sample()> syncTrial(const Workload& workload, kj::StringPtr subject, Places& places);
kj::Function<Sample()> commitTrial(const Workload& workload, kj::StringPtr subject, Places& places);

// check: what a broker looks at before it acknowledges.
kj::Function<Sample()> checkTrial(const Workload& workload, kj::StringPtr subject, Places& places);

// write-path, read-tail: the ways that a segment's bytes could take, and the way back of its last ones.
kj::Function<Sample()> writePathTrial(const Workload& workload, kj::StringPtr subject, Places& places);
kj::Function<Sample()> readTailTrial(const Workload& workload, kj::StringPtr subject, Places& places);

// read, read-random, seek-time: what reads from the cache.
kj::Function<Sample()> readTrial(const Workload& workload, kj::StringPtr subject, Places& places);
kj::Function<Sample()> randomReadTrial(const Workload& workload, kj::StringPtr subject, Places& places);
kj::Function<Sample()> seekTimeTrial(const Workload& workload, kj::StringPtr subject, Places& places);

// open, open-killed, truncate, drop-prefix: single slow steps, each timed by itself.
kj::Function<Sample()> openTrial(const Workload& workload, kj::StringPtr subject, Places& places, bool killed);
kj::Function<Sample()> truncateTrial(const Workload& workload, kj::StringPtr subject, Places& places);
kj::Function<Sample()> dropPrefixTrial(const Workload& workload, kj::StringPtr subject, Places& places);

}  // namespace cambium::bench
