#include <random>

#include <kj/debug.h>

#include "bench/probe_file.h"
#include "bench/storage_subjects.h"
#include "bench/storage_trials.h"

namespace cambium::bench {

namespace {

// An engine with a filled log that was closed and opened again, so that everything is read from files, and they from
// the cache.
struct FilledEngine {
  FilledEngine(const Workload& workload, kj::StringPtr kind, kj::String folder)
      : source(workload.batch), subject(kind, kj::mv(folder)) {
    {
      auto filling = subject.openLog();
      fill(*filling, source, workload.batches());
    }
    reopen();
  }
  void reopen() {
    subject.closeCleanly();
    subject.start();
    log = subject.openLog();
  }

  BatchSource source;
  EngineSubject subject;
  kj::Own<PartitionLog> log;
};

// A bare file of the same batches.
struct FilledFile {
  FilledFile(const Workload& workload, kj::String path) : source(workload.batch), file(kj::mv(path)) {
    for (uint64_t i = 0; i < workload.batches(); ++i)
      file.append(source.next());
  }

  BatchSource source;
  ProbeFile file;
};

void checkSums(ByteView batches) {
  BatchIterator each(batches);
  while (auto* batch = each.next())
    KJ_REQUIRE(batch->crcMatches(), "the probe read something else than it wrote");
}

// Numbers below `end`, the same ones in each run.
class Places64 {
 public:
  explicit Places64(uint64_t end) : pick_(0, end - 1) {}
  uint64_t next() { return pick_(random_); }

 private:
  std::mt19937_64 random_{7};
  std::uniform_int_distribution<uint64_t> pick_;
};

template <class Read>
Sample timeReads(const Workload& workload, uint64_t bytes, uint64_t records, Read read) {
  Places64 places(workload.batches());
  Latencies latencies(workload.operations);
  Stopwatch watch;
  for (uint64_t i = 0; i < workload.operations; ++i) {
    latencies.time([&] { read(places.next()); });
  }
  auto sample = watch.stop(workload.operations, workload.operations * bytes, workload.operations * records);
  latencies.into(sample);
  return sample;
}

}  // namespace

kj::Function<Sample()> readTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  uint64_t count = workload.batches();
  if (isEngine(subject)) {
    auto filled = kj::heap<FilledEngine>(workload, subject, places.fresh(subject));
    return [filled = kj::mv(filled), count, take = workload.take]() mutable {
      auto& log = *filled->log;
      auto end = log.bounds().end;
      uint64_t bytes = 0;
      Stopwatch watch;
      for (Offset from = log.bounds().start; from < end;) {
        auto batches = log.read(from, end, take);
        bytes += batches.size();
        from += static_cast<int64_t>(batches.size() / filled->source.batchBytes()) * filled->source.records();
      }
      KJ_REQUIRE(bytes == count * filled->source.batchBytes(), "not everything was read", bytes);
      return watch.stop(count, bytes, count * static_cast<uint64_t>(filled->source.records()));
    };
  }
  if (subject != "file" && subject != "file-crc") refuseSubject(workload, subject);
  auto filled = kj::heap<FilledFile>(workload, places.fresh("file"));
  return [filled = kj::mv(filled), count, take = workload.take, sums = subject == "file-crc"]() mutable {
    size_t batch = filled->source.batchBytes();
    size_t piece = kj::max(take.value() / batch, uint64_t{1}) * batch;
    auto buffer = kj::heapArray<kj::byte>(piece);
    uint64_t end = filled->file.size();
    Stopwatch watch;
    for (uint64_t position = 0; position < end; position += piece) {
      auto part = buffer.slice(0, kj::min(piece, end - position));
      filled->file.read(position, part);
      if (sums) checkSums(part);
    }
    return watch.stop(count, end, count * static_cast<uint64_t>(filled->source.records()));
  };
}

kj::Function<Sample()> randomReadTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  if (isEngine(subject)) {
    auto filled = kj::heap<FilledEngine>(workload, subject, places.fresh(subject));
    return [&workload, filled = kj::mv(filled)]() mutable {
      auto& log = *filled->log;
      auto end = log.bounds().end;
      auto records = filled->source.records();
      size_t expected = filled->source.batchBytes();
      return timeReads(workload, expected, static_cast<uint64_t>(records), [&](uint64_t batch) {
        // In the middle of a batch, as consumers that come back do.
        Offset from(static_cast<int64_t>(batch) * records + records / 2);
        auto found = log.read(from, end, Bytes(1));
        KJ_REQUIRE(found.size() == expected, "a read found something else", found.size());
      });
    };
  }
  if (subject != "file" && subject != "file-crc") refuseSubject(workload, subject);
  auto filled = kj::heap<FilledFile>(workload, places.fresh("file"));
  return [&workload, filled = kj::mv(filled), sums = subject == "file-crc"]() mutable {
    size_t size = filled->source.batchBytes();
    auto buffer = kj::heapArray<kj::byte>(size);
    return timeReads(workload, size, static_cast<uint64_t>(filled->source.records()), [&](uint64_t batch) {
      filled->file.read(batch * size, buffer);
      if (sums) checkSums(buffer);
    });
  };
}

kj::Function<Sample()> seekTimeTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  if (!isEngine(subject)) refuseSubject(workload, subject);
  auto engine = kj::heap<EngineSubject>(subject, places.fresh(subject));
  constexpr int64_t kBegin = 1'700'000'000'000;
  {
    BatchSource source(workload.batch);
    auto log = engine->openLog();
    for (uint64_t i = 0; i < workload.batches(); ++i) {
      auto batch = source.nextAt(log->bounds().end);
      stampLogAppendTime(batch, TimestampMs(kBegin + static_cast<int64_t>(i)));
      log->append(batch);
    }
  }
  engine->closeCleanly();
  engine->start();
  auto log = engine->openLog();
  return [&workload, engine = kj::mv(engine), log = kj::mv(log)]() mutable {
    return timeReads(workload, 0, 0, [&](uint64_t batch) {
      TimestampMs wanted(kBegin + static_cast<int64_t>(batch));
      auto hit = log->seekTime(wanted);
      KJ_REQUIRE(KJ_REQUIRE_NONNULL(hit).maxTimestamp == wanted, "a seek found something else");
    });
  };
}

}  // namespace cambium::bench
