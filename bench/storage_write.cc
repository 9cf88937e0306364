#include <kj/debug.h>

#include "bench/probe_file.h"
#include "bench/probe_rocks.h"
#include "bench/storage_subjects.h"
#include "bench/storage_trials.h"
#include "engine/base/crc32c.h"

namespace cambium::bench {

namespace {

// Runs `write` for every batch and times all of them together.
template <class Write>
Sample timeBatches(BatchSource& source, uint64_t count, Write write) {
  Stopwatch watch;
  for (uint64_t i = 0; i < count; ++i)
    write(i, source.next());
  return watch.stop(count, count * source.batchBytes(), count * static_cast<uint64_t>(source.records()));
}

// Runs `write` as often as the workload says and times each.
template <class Write>
Sample timeEach(const Workload& workload, uint64_t bytes, uint64_t records, Write write) {
  Latencies latencies(workload.operations);
  Stopwatch watch;
  for (uint64_t i = 0; i < workload.operations; ++i) {
    latencies.time([&] { write(i); });
  }
  auto sample = watch.stop(workload.operations, workload.operations * bytes, workload.operations * records);
  latencies.into(sample);
  return sample;
}

}  // namespace

kj::Function<Sample()> appendTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  auto source = kj::heap<BatchSource>(workload.batch);
  uint64_t count = workload.batches();
  if (isEngine(subject)) {
    return [&places, kind = kj::str(subject), source = kj::mv(source), count]() mutable {
      EngineSubject engine(kind, places.fresh(kind));
      auto log = engine.openLog();
      return timeBatches(*source, count,
                         [&](uint64_t, kj::ArrayPtr<kj::byte> batch) { appendAsPartition(*log, batch); });
    };
  }
  if (subject == "rocksdb-puts") {
    return [&places, source = kj::mv(source), count]() mutable {
      ProbeRocks store(places.fresh("rocksdb-puts"));
      auto records = source->records();
      return timeBatches(*source, count, [&](uint64_t i, kj::ArrayPtr<kj::byte> batch) {
        store.put(Offset(static_cast<int64_t>(i) * records), batch);
      });
    };
  }
  if (subject != "file" && subject != "file-crc") refuseSubject(workload, subject);
  bool sums = subject == "file-crc";
  return [&places, source = kj::mv(source), count, sums]() mutable {
    ProbeFile file(places.fresh("file"));
    uint32_t seen = 0;
    auto sample = timeBatches(*source, count, [&](uint64_t, kj::ArrayPtr<kj::byte> batch) {
      if (sums) seen ^= crc32c(batch);
      file.append(batch);
    });
    KJ_ASSERT(!sums || count % 2 == 0 || seen != 0);
    return sample;
  };
}

kj::Function<Sample()> syncTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  auto source = kj::heap<BatchSource>(workload.batch);
  auto records = static_cast<uint64_t>(source->records());
  if (isEngine(subject)) {
    return [&workload, &places, kind = kj::str(subject), source = kj::mv(source), records]() mutable {
      EngineSubject engine(kind, places.fresh(kind));
      auto log = engine.openLog();
      return timeEach(workload, source->batchBytes(), records, [&](uint64_t) {
        appendAsPartition(*log, source->next());
        syncNow(*log);
      });
    };
  }
  if (subject != "file") refuseSubject(workload, subject);
  return [&workload, &places, source = kj::mv(source), records]() mutable {
    ProbeFile file(places.fresh("file"));
    return timeEach(workload, source->batchBytes(), records, [&](uint64_t) {
      file.append(source->next());
      file.sync();
    });
  };
}

kj::Function<Sample()> commitTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  if (isEngine(subject)) {
    return [&workload, &places, kind = kj::str(subject)] {
      EngineSubject engine(kind, places.fresh(kind));
      return timeEach(workload, 0, 1, [&](uint64_t i) {
        auto key = kj::str("group-of-consumers/topic-name/", i % 100);
        kj::byte value[64] = {static_cast<kj::byte>(i)};
        TableChange change{"offsets"_kj, key.asBytes(), ByteView(value, sizeof(value))};
        engine.engine().commit(kj::arrayPtr(&change, 1));
      });
    };
  }
  if (subject != "file") refuseSubject(workload, subject);
  return [&workload, &places] {
    ProbeFile file(places.fresh("file"));
    kj::byte row[100] = {};
    return timeEach(workload, 0, 1, [&](uint64_t) {
      file.append(ByteView(row, sizeof(row)));
      file.sync();
    });
  };
}

}  // namespace cambium::bench
