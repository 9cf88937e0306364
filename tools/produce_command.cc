#include <unistd.h>

#include <kj/time.h>

#include "client/producer.h"
#include "tools/command.h"
#include "tools/input_file.h"
#include "tools/input_lines.h"
#include "tools/progress.h"
#include "tools/session.h"
#include "tools/stopwatch.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;
// No record can be larger: an RPC message has at most 64 MiB.
constexpr size_t kLineBytesMax = size_t{60} << 20;

// Reads lines and sends them. Memory is bounded by the producer's buffer: reading waits while it is full.
class LineProducer {
 public:
  LineProducer(Session& session, ProduceOptions options)
      : session_(session),
        topic_(session.argument(0)),
        options_(kj::mv(options)),
        headers_(KJ_MAP(header, options_.headers) {
          return client::Header{header.key.asBytes(),
                                header.value.map([](auto& value) -> ByteView { return value.asBytes(); })};
        }),
        producer_(session.connection(), kj::systemPreciseCalendarClock(), options_.producer) {}

  kj::Promise<int> run();

 private:
  kj::Promise<void> sendFiles();
  kj::Promise<void> sendFile(kj::StringPtr path);
  void sendLine(ByteView line);
  kj::Promise<size_t> readOrStop(InputFile& file, kj::ArrayPtr<kj::byte> into);
  kj::Promise<void> roomOrStop();
  kj::String describe() const;
  // Null while records are acknowledged, or none is on its way.
  kj::Maybe<kj::String> describeWait();
  int report(const Result<void>& settled);

  // Nothing further is read: a record was refused, or somebody pressed Ctrl-C.
  bool stopped() const { return session_.interrupted() || producer_.stats().recordsFailed > 0; }

  Session& session_;
  kj::StringPtr topic_;
  ProduceOptions options_;
  kj::Array<client::Header> headers_;
  client::Producer producer_;
  Stopwatch watch_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
  uint64_t acknowledgedBefore_ = 0;  // when describeWait() was asked last
  kj::Maybe<kj::String> inputError_;
};

kj::Promise<int> LineProducer::run() {
  // A topic that is not there is told at once, not after the delivery timeout.
  auto topic = co_await session_.answer(session_.admin().describeTopic(kj::str(topic_)));
  if (!topic.ok()) co_return session_.fail(topic.error());
  KJ_IF_MAYBE(partition, options_.partition) {
    size_t partitions = topic.value().partitions.size();
    if (static_cast<size_t>(partition->value()) >= partitions) {
      co_return session_.fail(kj::str("topic ", topic_, " has no partition ", *partition, "; it has ", partitions));
    }
  }
  {
    Progress progress(session_.out(), session_.timer(), isatty(STDIN_FILENO) == 0, [this] { return describe(); });
    WaitNote note(session_.out(), session_.timer(), [this] { return describeWait(); });
    co_await sendFiles();
    auto settled = co_await producer_.close();
    watch_.stop();
    co_return report(settled);
  }
}

kj::Promise<void> LineProducer::sendFiles() {
  auto onInterrupt = session_.onInterrupt();
  session_.watchConnection();
  try {
    if (session_.arguments().size() == 1) co_await sendFile("-"_kj);
    for (auto& path : session_.arguments().slice(1, session_.arguments().size())) {
      if (!stopped()) co_await sendFile(path);
    }
  } catch (const kj::Exception& e) {
    // What was read before is still sent and counted.
    inputError_ = kj::str(e.getDescription());
  }
}

kj::Promise<void> LineProducer::sendFile(kj::StringPtr path) {
  InputFile file(session_.eventPort(), path);
  InputLines lines(kBlockBytes, kLineBytesMax);
  for (bool ended = false; !ended && !stopped();) {
    auto into = lines.room();
    size_t n = co_await readOrStop(file, into);
    lines.filled(n);
    if (n == 0 && session_.interrupted()) co_return;
    if (n == 0) {
      lines.end();
      ended = true;
    }
    for (bool more = true; more;) {
      KJ_IF_MAYBE(line, lines.next()) {
        sendLine(*line);
        if (producer_.stats().bytesBuffered >= options_.producer.bufferBytesMax) co_await roomOrStop();
        more = !stopped();
      } else {
        more = false;
      }
    }
    if (lines.tooLong()) {
      inputError_ = kj::str(file.name(), ": line ", records_ + 1, " of the input is longer than ", kLineBytesMax >> 20,
                            " MiB; records cannot be that large");
      co_return;
    }
    co_await session_.yield();
  }
}

kj::Promise<size_t> LineProducer::readOrStop(InputFile& file, kj::ArrayPtr<kj::byte> into) {
  return file.read(into).exclusiveJoin(session_.onInterrupt().then([]() -> size_t { return 0; }));
}

kj::Promise<void> LineProducer::roomOrStop() {
  return producer_.whenRoom().exclusiveJoin(session_.onInterrupt());
}

void LineProducer::sendLine(ByteView line) {
  client::RecordToSend record{.topic = topic_,
                              .partition = options_.partition,
                              .key = nullptr,
                              .value = line,
                              .headers = headers_,
                              .timestamp = nullptr};
  KJ_IF_MAYBE(separator, options_.keySeparator) {
    auto parts = splitKey(line, *separator);
    record.key = parts.key;
    record.value = parts.value;
  }
  // The promise is not needed: close() tells the first failure, stats() how many there were.
  auto sent = producer_.send(record);
  ++records_;
  bytes_ += line.size();
}

kj::String LineProducer::describe() const {
  auto stats = producer_.stats();
  auto seconds = watch_.seconds();
  return kj::str(withSeparators(records_), " records read, ", withSeparators(stats.recordsDelivered), " acknowledged, ",
                 humanBytes(static_cast<double>(bytes_)), ", ", humanBytes(static_cast<double>(bytes_) / seconds),
                 "/s");
}

kj::Maybe<kj::String> LineProducer::describeWait() {
  auto stats = producer_.stats();
  bool goesOn = stats.recordsDelivered != acknowledgedBefore_;
  acknowledgedBefore_ = stats.recordsDelivered;
  if (goesOn || stats.recordsBuffered == 0) return nullptr;
  auto why = kj::str("the broker has not answered yet");
  KJ_IF_MAYBE(problem, producer_.lastProblem()) why = kj::str(problem->message, " (", errorName(problem->code), ')');
  return kj::str("the acknowledgement of ", withSeparators(stats.recordsBuffered), " records: ", why,
                 "; gives up after ", options_.producer.deliveryTimeoutMs / 1000, " s (--delivery_timeout_ms)");
}

int LineProducer::report(const Result<void>& settled) {
  auto stats = producer_.stats();
  double seconds = watch_.seconds();
  double recordsPerSecond = static_cast<double>(stats.recordsDelivered) / seconds;
  double bytesPerSecond = static_cast<double>(bytes_) / seconds;
  uint64_t failed = records_ - stats.recordsDelivered;
  if (session_.json()) {
    JsonWriter json;
    json.beginObject().key("topic").value(topic_).key("records").value(records_).key("bytes").value(bytes_);
    json.key("acknowledged").value(stats.recordsDelivered).key("failed").value(failed);
    json.key("batches").value(stats.batchesDelivered).key("retriedBatches").value(stats.batchesRetried);
    json.key("seconds").value(seconds).key("recordsPerSecond").value(recordsPerSecond);
    json.key("bytesPerSecond").value(bytesPerSecond).endObject();
    session_.print(json);
  } else {
    session_.out().writeError(kj::str(withSeparators(records_), " records, ", humanBytes(static_cast<double>(bytes_)),
                                      " in ", fixed(seconds, 2),
                                      " s: ", withSeparators(static_cast<uint64_t>(recordsPerSecond)), " records/s, ",
                                      humanBytes(bytesPerSecond), "/s\n"));
  }
  int exitCode = kExitOk;
  if (failed > 0 || !settled.ok()) {
    auto why = settled.ok() ? kj::str("interrupted")
                            : kj::str(settled.error().message, " (", errorName(settled.error().code), ')');
    exitCode = session_.fail(
        kj::str(withSeparators(failed), " of ", withSeparators(records_), " records were not acknowledged: ", why));
  }
  KJ_IF_MAYBE(error, inputError_) exitCode = session_.fail(*error);
  if (session_.interrupted()) {
    exitCode =
        session_.fail(kj::str("interrupted after ", withSeparators(records_), " records; the rest was not read"));
  }
  return exitCode;
}

kj::Promise<int> produce(Session& session) {
  auto options = produceOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  LineProducer lines(session, kj::mv(options.value()));
  co_return co_await lines.run();
}

constexpr FlagUse kProduceFlags[] = {
    {"key_separator"_kj},
    {"partition"_kj, "N: put all records into this partition (default: the partitioner decides)"_kj},
    {"partitioner"_kj},
    {"acks"_kj},
    {"compression"_kj},
    {"header"_kj},
    {"linger_ms"_kj},
    {"batch_bytes"_kj},
    {"buffer_bytes"_kj},
    {"delivery_timeout_ms"_kj}};

}  // namespace

kj::ArrayPtr<const Command> produceCommands() {
  static const Command commands[] = {
      {"produce"_kj, "TOPIC [FILE…]"_kj, "Write lines of standard input or of files as records"_kj,
       "Every line becomes one record, without its line end; all other bytes are kept. FILE - is standard input.\n"
       "Lines that go to one partition keep their order. After a record that the broker refuses nothing further is "
       "read;\n"
       "the exit code is 1 when a record was not acknowledged, and a line on standard error says how many and why. "
       "Ctrl-C\n"
       "stops reading and waits for what was read; a second one ends at once. The summary goes to standard error, "
       "with\n"
       "--json to standard output.\n"
       "\n"
       "  cambium produce words --key_separator='\\t' < words.tsv\n"_kj,
       1, kAnyNumber, kProduceFlags, produce, true},
  };
  return commands;
}

}  // namespace cambium::tools
