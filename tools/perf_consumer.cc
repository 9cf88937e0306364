#include "client/consumer.h"
#include "tools/latency_percentiles.h"
#include "tools/perf.h"
#include "tools/progress.h"
#include "tools/stopwatch.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

constexpr size_t kRecordsPerPoll = 10'000;
constexpr uint32_t kPollWaitMs = 200;

size_t bytesOf(const client::ConsumedRecord& record) {
  size_t bytes = 0;
  KJ_IF_MAYBE(key, record.key) bytes += key->size();
  KJ_IF_MAYBE(value, record.value) bytes += value->size();
  return bytes;
}

class PerfConsumer {
 public:
  PerfConsumer(Session& session, PerfOptions options)
      : session_(session), options_(kj::mv(options)), consumer_(session.connection(), kj::mv(options_.consumer)) {}

  kj::Promise<int> run();

 private:
  kj::Promise<Result<void>> begin();
  kj::Promise<Result<void>> readAll();
  void count(const client::ConsumedRecords& records);
  bool allRead() const;
  int report();

  Session& session_;
  PerfOptions options_;
  client::Consumer consumer_;
  kj::Array<Offset> endsAtStart_;  // high watermarks, by partition
  LatencyPercentiles polls_;
  LatencyPercentiles ages_;
  Stopwatch watch_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
};

kj::Promise<int> PerfConsumer::run() {
  auto begun = co_await begin();
  if (!begun.ok()) co_return session_.fail(begun.error());
  watch_ = Stopwatch();
  auto result = co_await readAll();
  watch_.stop();
  report();
  if (!result.ok()) co_return session_.fail(result.error());
  co_return session_.done();
}

kj::Promise<Result<void>> PerfConsumer::begin() {
  kj::StringPtr topic = session_.argument(0);
  auto described = co_await session_.answer(session_.admin().describeTopic(kj::str(topic)));
  if (!described.ok()) co_return kj::mv(described.error());
  auto& partitions = described.value().partitions;
  endsAtStart_ = KJ_MAP(partition, partitions) {
    return partition.highWatermark;
  };
  kj::Vector<client::Assignment> assignments;
  for (auto& partition : partitions) {
    KJ_IF_MAYBE(only, options_.partition) {
      if (partition.index != *only) continue;
    }
    assignments.add(client::Assignment{kj::str(topic), partition.index, options_.from});
  }
  if (assignments.empty()) {
    co_return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", topic, " has no such partition; it has ",
                        partitions.size());
  }
  co_return co_await consumer_.assign(assignments.releaseAsArray());
}

kj::Promise<Result<void>> PerfConsumer::readAll() {
  auto interrupt = session_.onInterrupt();
  session_.watchConnection();
  Progress progress(session_.out(), session_.timer(), true, [this] {
    return kj::str(withSeparators(records_), " records, ",
                   withSeparators(static_cast<uint64_t>(static_cast<double>(records_) / watch_.seconds())),
                   " records/s");
  });
  while (records_ < options_.records && !session_.interrupted() && (options_.follow || !allRead())) {
    Stopwatch poll;
    auto polled =
        co_await consumer_.poll(client::PollOptions{.recordsMax = kj::min(kRecordsPerPoll, options_.records - records_),
                                                    .waitMsMax = kPollWaitMs,
                                                    .returnAtEnd = !options_.follow});
    if (!polled.ok()) co_return kj::mv(polled.error());
    if (!polled.value().empty()) polls_.add(static_cast<int64_t>(poll.seconds() * 1e9));
    count(polled.value());
    co_await session_.yield();
  }
  co_return Result<void>();
}

void PerfConsumer::count(const client::ConsumedRecords& records) {
  int64_t nowMs = (kj::systemPreciseCalendarClock().now() - kj::UNIX_EPOCH) / kj::MILLISECONDS;
  for (auto& record : records) {
    bytes_ += bytesOf(record);
    if (options_.follow && record.timestamp != kNoTimestamp) {
      ages_.add((nowMs - record.timestamp.value()) * 1'000'000);
    }
  }
  records_ += records.size();
}

bool PerfConsumer::allRead() const {
  for (auto& partition : consumer_.positions()) {
    auto end = endsAtStart_[static_cast<size_t>(partition.partition.value())];
    if (partition.position < end && !partition.atEnd()) return false;
  }
  return true;
}

int PerfConsumer::report() {
  double seconds = watch_.seconds();
  double recordsPerSecond = static_cast<double>(records_) / seconds;
  double bytesPerSecond = static_cast<double>(bytes_) / seconds;
  if (session_.json()) {
    JsonWriter json;
    json.beginObject().key("topic").value(session_.argument(0)).key("records").value(records_);
    json.key("bytes").value(bytes_).key("seconds").value(seconds);
    json.key("recordsPerSecond").value(recordsPerSecond).key("bytesPerSecond").value(bytesPerSecond);
    json.key("pollMs");
    polls_.write(json);
    json.key("ageMs");
    if (options_.follow) {
      ages_.write(json);
    } else {
      json.null();
    }
    json.endObject();
    return session_.print(json);
  }
  auto& out = session_.out();
  out.write(kj::str(withSeparators(records_), " records in ", fixed(seconds, 2),
                    " s: ", withSeparators(static_cast<uint64_t>(recordsPerSecond)), " records/s, ",
                    fixed(bytesPerSecond * 1e-6, 2), " MB/s\npoll ", polls_.summary(), '\n'));
  if (options_.follow) out.write(kj::str("age ", ages_.summary(), '\n'));
  return session_.done();
}

}  // namespace

kj::Promise<int> perfConsume(Session& session) {
  auto options = perfOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  PerfConsumer consumer(session, kj::mv(options.value()));
  co_return co_await consumer.run();
}

}  // namespace cambium::tools
