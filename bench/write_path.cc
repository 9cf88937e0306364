#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/thread.h>

#include "bench/durable_file.h"
#include "bench/fresh_memory.h"
#include "bench/storage_subjects.h"
#include "bench/storage_trials.h"

namespace cambium::bench {

namespace {

// What one writer writes: the few batches of a source again and again, or each from pages of its own.
class Pieces {
 public:
  explicit Pieces(Bytes batch) : source_(batch) {}

  // Before the clock runs: `count` batches in memory that is new, in use once, as a received batch is.
  void spread(uint64_t count) {
    spread_ = newPages(count * source_.batchBytes());
    for (uint64_t i = 0; i < count; ++i)
      memcpy(spread_.begin() + i * batchBytes(), source_.next().begin(), batchBytes());
  }
  void gather() { spread_ = nullptr; }

  ByteView at(uint64_t i) {
    if (spread_.size() == 0) return source_.next();
    return spread_.slice(i * batchBytes(), (i + 1) * batchBytes());
  }
  size_t batchBytes() const { return source_.batchBytes(); }
  uint64_t records() const { return static_cast<uint64_t>(source_.records()); }

 private:
  BatchSource source_;
  kj::Array<kj::byte> spread_;
};

// As many writers as the workload's window, each with a file and a thread of its own.
class Writers {
 public:
  Writers(const Workload& workload, DurableFile::Way way, Places& places)
      : workload_(workload), places_(places), each_(workload.operations / workload.window) {
    for (uint64_t i = 0; i < workload.window; ++i) {
      auto pieces = kj::heap<Pieces>(workload.batch);
      auto file = kj::heap<DurableFile>(places.fresh("file"), way, each_ * pieces->batchBytes());
      writers_.add(Writer{kj::mv(pieces), kj::mv(file), kj::Vector<int64_t>(each_)});
    }
  }

  Sample run() {
    if (workload_.freshMemory) {
      places_.freshMemory.takeUsedPages();
      for (auto& writer : writers_)
        writer.pieces->spread(each_);
    }
    for (auto& writer : writers_) {
      writer.nanoseconds.clear();
      writer.file->begin();
    }
    Stopwatch watch;
    {
      kj::Vector<kj::Own<kj::Thread>> threads;
      for (auto& writer : writers_)
        threads.add(kj::heap<kj::Thread>([this, &writer] { write(writer); }));
    }
    auto& pieces = *writers_[0].pieces;
    uint64_t count = each_ * writers_.size();
    auto sample = watch.stop(count, count * pieces.batchBytes(), count * pieces.records());
    Latencies latencies(count);
    for (auto& writer : writers_) {
      for (int64_t time : writer.nanoseconds)
        latencies.add(time);
      writer.pieces->gather();
      writer.file->finish();
    }
    latencies.into(sample);
    return sample;
  }

 private:
  struct Writer {
    kj::Own<Pieces> pieces;
    kj::Own<DurableFile> file;
    kj::Vector<int64_t> nanoseconds;
  };

  void write(Writer& writer) const {
    for (uint64_t i = 0; i < each_; ++i) {
      int64_t begun = Latencies::nowNs();
      writer.file->append(writer.pieces->at(i));
      writer.nanoseconds.add(Latencies::nowNs() - begun);
    }
  }

  const Workload& workload_;
  Places& places_;
  const uint64_t each_;
  kj::Vector<Writer> writers_;
};

// The last megabytes of a log, written a moment ago.
class Tail {
 public:
  explicit Tail(kj::String path) : path_(kj::mv(path)), memory_(newPages(DurableFile::kTailBytes)) {
    memset(memory_.begin(), 1, memory_.size());
    int fd;
    KJ_SYSCALL(fd = open(path_.cStr(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644), path_);
    file_ = kj::AutoCloseFd(fd);
    ssize_t written;
    KJ_SYSCALL(written = pwrite(file_, memory_.begin(), memory_.size(), 0), path_);
    KJ_REQUIRE(static_cast<size_t>(written) == memory_.size(), "the device is full", path_);
    KJ_SYSCALL(fsync(file_), path_);
    KJ_SYSCALL(fd = open(path_.cStr(), O_RDONLY | O_CLOEXEC | O_DIRECT), path_);
    device_ = kj::AutoCloseFd(fd);
  }
  ~Tail() noexcept(false) { unlink(path_.cStr()); }
  KJ_DISALLOW_COPY(Tail);

  void fromMemory(uint64_t position, kj::ArrayPtr<kj::byte> into) {
    memcpy(into.begin(), memory_.begin() + position, into.size());
  }
  void fromPageCache(uint64_t position, kj::ArrayPtr<kj::byte> into) { read(file_, position, into); }
  void fromDevice(uint64_t position, kj::ArrayPtr<kj::byte> into) { read(device_, position, into); }

 private:
  void read(int fd, uint64_t position, kj::ArrayPtr<kj::byte> into) {
    ssize_t got;
    KJ_SYSCALL(got = pread(fd, into.begin(), into.size(), static_cast<off_t>(position)), path_);
    KJ_REQUIRE(static_cast<size_t>(got) == into.size(), "the file is shorter than expected", path_);
  }

  const kj::String path_;
  kj::Array<kj::byte> memory_;
  kj::AutoCloseFd file_;
  kj::AutoCloseFd device_;
};

}  // namespace

kj::Function<Sample()> writePathTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  if (isEngine(subject)) return syncTrial(workload, subject, places);
  KJ_IF_MAYBE(way, DurableFile::wayNamed(subject)) {
    return [writers = kj::heap<Writers>(workload, *way, places)]() mutable { return writers->run(); };
  }
  refuseSubject(workload, subject);
}

kj::Function<Sample()> readTailTrial(const Workload& workload, kj::StringPtr subject, Places& places) {
  using Read = void (Tail::*)(uint64_t, kj::ArrayPtr<kj::byte>);
  Read read = subject == "memory"       ? &Tail::fromMemory
              : subject == "page-cache" ? &Tail::fromPageCache
              : subject == "device"     ? &Tail::fromDevice
                                        : Read(nullptr);
  if (read == nullptr) refuseSubject(workload, subject);
  size_t take = workload.take.value();
  KJ_REQUIRE(DurableFile::kTailBytes % take == 0, "take is to divide the tail", take);
  return [&workload, read, take, tail = kj::heap<Tail>(places.fresh("tail"))]() mutable {
    auto buffer = newPages(take);
    memset(buffer.begin(), 0, buffer.size());
    Latencies latencies(workload.operations);
    Stopwatch watch;
    for (uint64_t i = 0; i < workload.operations; ++i) {
      latencies.time([&] { ((*tail).*read)(i * take % DurableFile::kTailBytes, buffer); });
    }
    auto sample = watch.stop(workload.operations, workload.operations * take, 0);
    latencies.into(sample);
    return sample;
  };
}

}  // namespace cambium::bench
