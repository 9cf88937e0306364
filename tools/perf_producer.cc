#include <random>

#include "client/producer.h"
#include "tools/latency_percentiles.h"
#include "tools/perf.h"
#include "tools/progress.h"
#include "tools/stopwatch.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

// Values are cut out of random bytes at changing places: cheap, and no two batches compress alike.
constexpr size_t kPoolBytes = size_t{1} << 20;
// Records sent in a row before the loop looks after the connection.
constexpr uint64_t kBurst = 1'000;
constexpr uint64_t kSeed = 0x5EED;

int64_t nowNs() {
  return (kj::systemPreciseMonotonicClock().now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS;
}

class PerfProducer final : private kj::TaskSet::ErrorHandler {
 public:
  PerfProducer(Session& session, PerfOptions options)
      : session_(session),
        options_(kj::mv(options)),
        random_(kSeed),
        pool_(kj::heapArray<kj::byte>(kPoolBytes + options_.recordBytes)),
        producer_(session.connection(), kj::systemPreciseCalendarClock(), options_.producer),
        tasks_(*this) {
    for (auto& byte : pool_)
      byte = static_cast<kj::byte>(random_());
  }

  kj::Promise<int> run();

 private:
  kj::Promise<void> sendAll();
  kj::Promise<void> waitUntilDue();
  void sendOne();
  int report();
  void taskFailed(kj::Exception&& exception) override { failed(kj::str(exception.getDescription())); }
  void failed(kj::String why);
  int64_t dueNs(uint64_t record) const {
    return startNs_ + static_cast<int64_t>(static_cast<double>(record) / options_.recordsPerSecond * 1e9);
  }
  bool hasSchedule() const { return options_.recordsPerSecond > 0; }

  Session& session_;
  PerfOptions options_;
  std::mt19937_64 random_;
  kj::Array<kj::byte> pool_;
  LatencyPercentiles latencies_;
  Stopwatch watch_;
  int64_t startNs_ = nowNs();
  uint64_t sent_ = 0;
  uint64_t failed_ = 0;
  kj::Maybe<kj::String> firstFailure_;
  client::Producer producer_;
  kj::TaskSet tasks_;
};

kj::Promise<int> PerfProducer::run() {
  auto topic = co_await session_.answer(session_.admin().describeTopic(kj::str(session_.argument(0))));
  if (!topic.ok()) co_return session_.fail(topic.error());
  watch_ = Stopwatch();
  startNs_ = nowNs();
  {
    Progress progress(session_.out(), session_.timer(), true, [this] {
      auto acknowledged = static_cast<double>(latencies_.count());
      return kj::str(withSeparators(latencies_.count()), " of ", withSeparators(options_.records), " records, ",
                     withSeparators(static_cast<uint64_t>(acknowledged / watch_.seconds())), " records/s, ",
                     latencies_.summary());
    });
    co_await sendAll();
    auto closed = co_await producer_.close();
    // Each record's own promise tells what became of it.
    co_await tasks_.onEmpty();
    watch_.stop();
    if (!closed.ok() && failed_ == 0) failed(kj::str(closed.error().message));
  }
  co_return report();
}

kj::Promise<void> PerfProducer::sendAll() {
  auto interrupt = session_.onInterrupt();
  session_.watchConnection();
  while (sent_ < options_.records && !session_.interrupted() && failed_ == 0) {
    if (hasSchedule()) co_await waitUntilDue();
    for (uint64_t burst = 0; burst < kBurst && sent_ < options_.records; ++burst) {
      if (hasSchedule() && dueNs(sent_) > nowNs()) break;
      if (producer_.stats().bytesBuffered >= options_.producer.bufferBytesMax) {
        co_await producer_.whenRoom().exclusiveJoin(session_.onInterrupt());
      }
      if (session_.interrupted() || failed_ > 0) break;
      sendOne();
    }
    co_await session_.yield();
  }
}

kj::Promise<void> PerfProducer::waitUntilDue() {
  int64_t wait = dueNs(sent_) - nowNs();
  if (wait > 0) co_await session_.timer().afterDelay(wait * kj::NANOSECONDS);
}

void PerfProducer::sendOne() {
  size_t at = random_() % kPoolBytes;
  kj::String key;
  client::RecordToSend record{.topic = session_.argument(0),
                              .partition = options_.partition,
                              .key = nullptr,
                              .value = ByteView(pool_.slice(at, at + options_.recordBytes)),
                              .headers = nullptr,
                              .timestamp = nullptr};
  if (options_.keys > 0) {
    key = kj::str("key-", random_() % options_.keys);
    record.key = key.asBytes();
  }
  int64_t since = hasSchedule() ? dueNs(sent_) : nowNs();
  ++sent_;
  tasks_.add(producer_.send(record).then([this, since](Result<client::Delivered>&& delivered) {
    if (delivered.ok()) {
      latencies_.add(nowNs() - since);
    } else {
      failed(kj::str(delivered.error().message, " (", errorName(delivered.error().code), ')'));
    }
  }));
}

void PerfProducer::failed(kj::String why) {
  ++failed_;
  if (firstFailure_ == nullptr) firstFailure_ = kj::mv(why);
}

int PerfProducer::report() {
  double seconds = watch_.seconds();
  uint64_t bytes = latencies_.count() * options_.recordBytes;
  double recordsPerSecond = static_cast<double>(latencies_.count()) / seconds;
  double bytesPerSecond = static_cast<double>(bytes) / seconds;
  if (session_.json()) {
    JsonWriter json;
    json.beginObject().key("topic").value(session_.argument(0)).key("records").value(latencies_.count());
    json.key("failed").value(failed_).key("bytes").value(bytes).key("seconds").value(seconds);
    json.key("recordsPerSecond").value(recordsPerSecond).key("bytesPerSecond").value(bytesPerSecond);
    json.key("latencyMs");
    latencies_.write(json);
    json.key("retriedBatches").value(producer_.stats().batchesRetried).endObject();
    session_.print(json);
  } else {
    session_.out().write(kj::str(withSeparators(latencies_.count()), " records in ", fixed(seconds, 2),
                                 " s: ", withSeparators(static_cast<uint64_t>(recordsPerSecond)), " records/s, ",
                                 fixed(bytesPerSecond * 1e-6, 2), " MB/s\nlatency ", latencies_.summary(), '\n'));
  }
  KJ_IF_MAYBE(why, firstFailure_) {
    return session_.fail(
        kj::str(withSeparators(failed_), " of ", withSeparators(sent_), " records were not acknowledged: ", *why));
  }
  if (session_.interrupted()) return session_.fail(kj::str("interrupted after ", withSeparators(sent_), " records"));
  return session_.done();
}

}  // namespace

kj::Promise<int> perfProduce(Session& session) {
  auto options = perfOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  PerfProducer producer(session, kj::mv(options.value()));
  co_return co_await producer.run();
}

}  // namespace cambium::tools
