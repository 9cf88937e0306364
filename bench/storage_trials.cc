#include "bench/storage_trials.h"

#include <kj/debug.h>

namespace cambium::bench {

bool isEngine(kj::StringPtr subject) {
  return subject == "native" || subject == "native-unmarked" || subject == "rocksdb" || subject == "memory";
}

void refuseSubject(const Workload& workload, kj::StringPtr subject) {
  kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                        kj::str("the workload ", workload.name, " has no subject ", subject)));
}

kj::Maybe<kj::Vector<Trial>> storageTrials(const Workload& workload, kj::StringPtr folder) {
  using Make = kj::Function<Sample()> (*)(const Workload&, kj::StringPtr, Places&);
  static const struct {
    kj::StringPtr name;
    Make make;
  } kinds[] = {
      {"append"_kj, appendTrial},
      {"check"_kj, checkTrial},
      {"sync"_kj, syncTrial},
      {"commit"_kj, commitTrial},
      {"write-path"_kj, writePathTrial},
      {"read-tail"_kj, readTailTrial},
      {"read"_kj, readTrial},
      {"read-random"_kj, randomReadTrial},
      {"seek-time"_kj, seekTimeTrial},
      {"open"_kj, [](auto& w, kj::StringPtr s, Places& p) { return openTrial(w, s, p, false); }},
      {"open-killed"_kj, [](auto& w, kj::StringPtr s, Places& p) { return openTrial(w, s, p, true); }},
      {"truncate"_kj, truncateTrial},
      {"drop-prefix"_kj, dropPrefixTrial},
  };
  for (auto& kind : kinds) {
    if (kind.name != workload.name) continue;
    auto places = kj::heap<Places>(folder);
    kj::Vector<Trial> trials;
    for (auto& subject : workload.subjects) {
      trials.add(Trial{kj::str(subject), kind.make(workload, subject, *places)});
    }
    // The trials name their files as they go.
    auto& first = trials[0].run;
    first = [run = kj::mv(first), places = kj::mv(places)]() mutable { return run(); };
    return kj::mv(trials);
  }
  return nullptr;
}

}  // namespace cambium::bench
