#include <kj/debug.h>

#include "bench/probe_file.h"
#include "bench/storage_subjects.h"
#include "bench/storage_trials.h"

namespace cambium::bench {

namespace {

// Single slow steps with preparation between them that does not count.
class Steps {
 public:
  explicit Steps(uint64_t expected) : latencies_(expected) {}

  template <class Step>
  void time(Step&& step) {
    Stopwatch watch;
    step();
    auto one = watch.stop(1, 0, 0);
    sum_.operations += 1;
    sum_.seconds += one.seconds;
    sum_.cpuSeconds += one.cpuSeconds;
    latencies_.add(static_cast<int64_t>(one.seconds * 1e9));
  }
  Sample finish() {
    latencies_.into(sum_);
    return sum_;
  }

 private:
  Sample sum_;
  Latencies latencies_;
};

// The offset in the middle of a log of equal batches.
Offset middleOf(const BatchSource& source, uint64_t batches) {
  return Offset(static_cast<int64_t>(batches / 2) * source.records());
}

}  // namespace

kj::Function<Sample()> openTrial(const Workload& workload, kj::StringPtr subject, Places& places, bool killed) {
  if (!isEngine(subject) || subject == "memory") refuseSubject(workload, subject);
  return [&workload, &places, kind = kj::str(subject), killed] {
    BatchSource source(workload.batch);
    EngineSubject subject(kind, places.fresh(kind));
    Steps steps(workload.operations);
    for (uint64_t i = 0; i < workload.operations; ++i) {
      if (killed) {
        subject.release();
        fillAndDie(kind, subject.folder(), workload.batch, workload.batches());
      } else {
        auto log = subject.openLog();
        log->resetTo(Offset(0));
        fill(*log, source, workload.batches());
        log = nullptr;
        subject.closeCleanly();
      }
      kj::Own<PartitionLog> reopened;
      steps.time([&] {
        subject.start();
        reopened = subject.openLog();
      });
      KJ_REQUIRE(reopened->bounds().end == middleOf(source, workload.batches() * 2), "a log came back shorter");
    }
    return steps.finish();
  };
}

kj::Function<Sample()> truncateTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  if (isEngine(subject)) {
    return [&workload, &places, kind = kj::str(subject)] {
      BatchSource source(workload.batch);
      EngineSubject subject(kind, places.fresh(kind));
      auto log = subject.openLog();
      Steps steps(workload.operations);
      for (uint64_t i = 0; i < workload.operations; ++i) {
        log->resetTo(Offset(0));
        fill(*log, source, workload.batches());
        syncNow(*log);
        steps.time([&] { log->truncateFrom(middleOf(source, workload.batches())); });
      }
      return steps.finish();
    };
  }
  if (subject != "file") refuseSubject(workload, subject);
  return [&workload, &places] {
    BatchSource source(workload.batch);
    Steps steps(workload.operations);
    for (uint64_t i = 0; i < workload.operations; ++i) {
      ProbeFile file(places.fresh("file"));
      for (uint64_t b = 0; b < workload.batches(); ++b)
        file.append(source.next());
      file.sync();
      steps.time([&] {
        file.truncate(file.size() / 2);
        file.sync();
      });
    }
    return steps.finish();
  };
}

kj::Function<Sample()> dropPrefixTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  if (!isEngine(subject)) refuseSubject(workload, subject);
  return [&workload, &places, kind = kj::str(subject)] {
    BatchSource source(workload.batch);
    EngineSubject subject(kind, places.fresh(kind));
    auto log = subject.openLog();
    Steps steps(workload.operations);
    for (uint64_t i = 0; i < workload.operations; ++i) {
      log->resetTo(Offset(0));
      fill(*log, source, workload.batches());
      syncNow(*log);
      steps.time([&] { log->dropBefore(middleOf(source, workload.batches())); });
    }
    return steps.finish();
  };
}

}  // namespace cambium::bench
