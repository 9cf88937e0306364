#include "client/group_consumer.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/progress.h"
#include "tools/session.h"
#include "tools/stopwatch.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

constexpr size_t kRecordsPerPoll = 10'000;
// Also how long Ctrl-C may take: a poll is not broken off, since its records might be lost.
constexpr uint32_t kPollWaitMs = 200;
constexpr uint32_t kCommitIntervalMs = 1'000;

Error outOfRange(const client::PartitionDescription& partition, Offset offset) {
  return makeError(ErrorCode::kOffsetOutOfRange, "--from=", offset, ": partition ", partition.index,
                   " can be read from offset ", partition.logStart, " to ", partition.highWatermark);
}

class RecordPrinter {
 public:
  RecordPrinter(Session& session, ConsumeOptions options, RecordFormat format)
      : session_(session),
        topic_(session.argument(0)),
        options_(kj::mv(options)),
        format_(kj::mv(format)),
        inGroup_(options_.from.is<client::FromCommitted>()),
        group_(kj::str(options_.consumer.group)) {}

  kj::Promise<int> run();

 private:
  kj::Promise<Result<void>> begin();
  kj::Promise<Result<void>> beginAlone(client::TopicDescription topic);
  void beginInGroup();
  kj::Promise<void> loop();
  kj::Promise<Result<client::ConsumedRecords>> poll(client::PollOptions options);
  kj::Array<client::PartitionPosition> positions() const;
  void print(const client::ConsumedRecords& records);
  kj::Promise<void> commit();
  void complain(const Error& error);
  bool finished() const;
  // What is waited for beside records; null: nothing.
  kj::Maybe<kj::String> describeWait();
  // True when such a wait has taken too long, which is told.
  bool gaveUp();

  Session& session_;
  kj::StringPtr topic_;
  ConsumeOptions options_;
  RecordFormat format_;
  bool inGroup_;
  kj::String group_;  // empty: none
  // One of the two, once it has begun.
  kj::Maybe<kj::Own<client::Consumer>> alone_;
  kj::Maybe<kj::Own<client::GroupConsumer>> member_;
  kj::Maybe<kj::TimePoint> joiningSince_;  // while the group has given no partitions
  uint64_t records_ = 0;
  kj::Array<Offset> endsAtStart_;  // high watermarks, by partition; used when the command stops there
  int exitCode_ = kExitOk;
  kj::Vector<kj::byte> text_;  // scratch, kept for its memory
  JsonWriter json_;
};

kj::Promise<int> RecordPrinter::run() {
  auto begun = co_await begin();
  if (!begun.ok()) co_return session_.fail(begun.error());
  {
    Stopwatch watch;
    Progress progress(session_.out(), session_.timer(), !session_.out().outIsTerminal(), [this, &watch] {
      return kj::str(withSeparators(records_), " records, ",
                     withSeparators(static_cast<uint64_t>(static_cast<double>(records_) / watch.seconds())),
                     " records/s");
    });
    WaitNote note(session_.out(), session_.timer(), [this] { return describeWait(); });
    co_await loop();
  }
  // Without a reader the last records were perhaps not seen: they come again.
  if (inGroup_ && !session_.out().closed()) co_await commit();
  co_return exitCode_;
}

kj::Promise<Result<void>> RecordPrinter::begin() {
  auto described = co_await session_.answer(session_.admin().describeTopic(kj::str(topic_)));
  if (!described.ok()) co_return kj::mv(described.error());
  endsAtStart_ = KJ_MAP(partition, described.value().partitions) {
    return partition.highWatermark;
  };
  if (!inGroup_) co_return co_await beginAlone(kj::mv(described.value()));
  beginInGroup();
  co_return Result<void>();
}

void RecordPrinter::beginInGroup() {
  auto topics = kj::heapArrayBuilder<kj::String>(1);
  topics.add(kj::str(topic_));
  member_ = kj::heap<client::GroupConsumer>(
      session_.connection(),
      client::GroupConsumerOptions{.topics = topics.finish(),
                                   .startAtEnd = options_.from.get<client::FromCommitted>().elseEnd,
                                   .autoCommitMs = kCommitIntervalMs,
                                   .clientName = kj::str("cambium-consume"),
                                   .consumer = kj::mv(options_.consumer)});
}

kj::Promise<Result<void>> RecordPrinter::beginAlone(client::TopicDescription topic) {
  auto& partitions = topic.partitions;
  kj::Vector<client::Assignment> assignments;
  auto wanted = options_.partition;
  if (wanted == nullptr && partitions.size() == 1) wanted = PartitionIndex(0);
  KJ_IF_MAYBE(only, wanted) {
    if (static_cast<size_t>(only->value()) >= partitions.size()) {
      co_return makeError(ErrorCode::kUnknownTopicOrPartition, "topic ", topic_, " has no partition ", *only,
                          "; it has ", partitions.size());
    }
    auto& partition = partitions[static_cast<size_t>(only->value())];
    KJ_IF_MAYBE(offset, options_.from.tryGet<Offset>()) {
      if (*offset < partition.logStart || *offset > partition.highWatermark) {
        co_return outOfRange(partition, *offset);
      }
    }
    assignments.add(client::Assignment{kj::str(topic_), *only, options_.from});
  } else {
    if (options_.from.is<Offset>()) {
      co_return makeError(ErrorCode::kInvalidRequest, "--from with an offset needs --partition: topic ", topic_,
                          " has ", partitions.size(), " partitions");
    }
    for (auto& partition : partitions) {
      assignments.add(client::Assignment{kj::str(topic_), partition.index, options_.from});
    }
  }
  auto consumer = kj::heap<client::Consumer>(session_.connection(), kj::mv(options_.consumer));
  auto assigned = co_await consumer->assign(assignments.releaseAsArray());
  alone_ = kj::mv(consumer);
  co_return kj::mv(assigned);
}

kj::Promise<Result<client::ConsumedRecords>> RecordPrinter::poll(client::PollOptions options) {
  KJ_IF_MAYBE(member, member_) return (*member)->poll(options);
  return KJ_ASSERT_NONNULL(alone_)->poll(options);
}

kj::Array<client::PartitionPosition> RecordPrinter::positions() const {
  KJ_IF_MAYBE(member, member_) return (*member)->positions();
  return KJ_ASSERT_NONNULL(alone_)->positions();
}

kj::Promise<void> RecordPrinter::loop() {
  auto interrupt = session_.onInterrupt();
  session_.watchConnection();
  while (!finished()) {
    client::PollOptions wish{
        .recordsMax = kRecordsPerPoll, .waitMsMax = kPollWaitMs, .returnAtEnd = options_.exitAtEnd};
    KJ_IF_MAYBE(max, options_.recordsMax) wish.recordsMax = kj::min(wish.recordsMax, *max - records_);
    auto polled = co_await poll(wish);
    if (polled.ok()) {
      print(polled.value());
    } else {
      complain(polled.error());
    }
    if (gaveUp()) co_return;
    // An error of one partition leaves the others; one of the membership leaves nothing.
    KJ_IF_MAYBE(member, member_) {
      if (!polled.ok() && (*member)->generation() < 0) co_return;
    }
    co_await session_.yield();
  }
}

void RecordPrinter::print(const client::ConsumedRecords& records) {
  text_.clear();
  for (auto& record : records) {
    if (options_.json) {
      json_.clear();
      writeRecord(json_, record);
      text_.addAll(json_.text());
      text_.add('\n');
    } else {
      format_.append(text_, record);
    }
  }
  records_ += records.size();
  session_.out().write(text_);
  session_.out().flush();
}

kj::Promise<void> RecordPrinter::commit() {
  auto& member = *KJ_ASSERT_NONNULL(member_);
  // Between two assignments there is nothing to commit.
  if (member.generation() < 0) co_return;
  auto committed = co_await member.commit();
  if (!committed.ok()) complain(committed.error());
}

void RecordPrinter::complain(const Error& error) {
  exitCode_ = session_.fail(error);
}

kj::Maybe<kj::String> RecordPrinter::describeWait() {
  // The session itself tells of a lost connection.
  KJ_IF_MAYBE(member, member_) {
    if ((*member)->generation() < 0 && session_.connection().isConnected()) {
      return kj::str("the other members of group ", group_, " to come together", session_.untilTimeout());
    }
  }
  return nullptr;
}

bool RecordPrinter::gaveUp() {
  KJ_IF_MAYBE(limit, session_.timeout()) {
    // A command that is to end by itself does not wait for a broker for ever.
    if (options_.exitAtEnd && session_.disconnectedFor() > *limit) {
      exitCode_ = session_.fail(kj::str("no connection to ", session_.connection().address(), " for ",
                                        *limit / kj::SECONDS, " s (--timeout); gave up before the end"));
      return true;
    }
    KJ_IF_MAYBE(member, member_) {
      auto now = session_.timer().now();
      if ((*member)->generation() >= 0 || !session_.connection().isConnected()) {
        joiningSince_ = nullptr;
      } else if (now - joiningSince_.orDefault(now) > *limit) {
        exitCode_ = session_.fail(kj::str("gave up after ", *limit / kj::SECONDS,
                                          " s of waiting for the other members of group ", group_,
                                          " to come together (--timeout)"));
        return true;
      } else if (joiningSince_ == nullptr) {
        joiningSince_ = now;
      }
    }
  }
  return false;
}

bool RecordPrinter::finished() const {
  if (session_.interrupted() || session_.out().closed()) return true;
  KJ_IF_MAYBE(max, options_.recordsMax) {
    if (records_ >= *max) return true;
  }
  KJ_IF_MAYBE(member, member_) {
    if ((*member)->generation() < 0) return false;
  }
  bool allFailed = !inGroup_;
  bool allRead = true;
  for (auto& partition : positions()) {
    if (partition.failed) continue;
    allFailed = false;
    auto end = endsAtStart_[static_cast<size_t>(partition.partition.value())];
    if (partition.position < end && !partition.atEnd()) allRead = false;
  }
  return allFailed || (options_.exitAtEnd && allRead);
}

kj::Promise<int> consume(Session& session) {
  auto options = consumeOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  auto format = RecordFormat::parse(options.value().format);
  if (!format.ok()) co_return session.wrongUsage(format.error().message);
  RecordPrinter printer(session, kj::mv(options.value()), kj::mv(format.value()));
  co_return co_await printer.run();
}

constexpr FlagUse kConsumeFlags[] = {
    {"from"_kj},  {"partition"_kj}, {"max_messages"_kj}, {"exit_at_end"_kj}, {"follow"_kj},
    {"group"_kj}, {"output"_kj},    {"format"_kj},       {"transfer"_kj},
};

}  // namespace

kj::ArrayPtr<const Command> consumeCommands() {
  static const Command commands[] = {
      {"consume"_kj, "TOPIC"_kj, "Print the records of a topic"_kj,
       "Prints each record's value and a line end, from the beginning on, then waits for further records until "
       "Ctrl-C.\n"
       "--exit_at_end stops at the end instead, --max_messages after so many records. Records of one partition come "
       "in\n"
       "order; partitions are mixed.\n"
       "\n"
       "--group joins a consumer group, which divides the partitions among all who consume with its name: begins where "
       "the group\n"
       "has committed (where it has not: at --from=beginning or --from=end), and commits what was printed every second "
       "and at\n"
       "the end. Records may come twice after a crash, none is left out.\n"
       "\n"
       "--format makes up the output of text and %t topic, %p partition, %o offset, %T timestamp (ms since 1970), %k "
       "key,\n"
       "%v value, %h headers (name=value,…), %% a percent sign, and \\n \\t \\r \\0 \\\\ \\xHH. Nulls are printed as "
       "nothing.\n"
       "--output=key-value stands for --format='%k\\t%v\\n'. --output=json (or --json) prints one object per line: "
       "topic,\n"
       "partition, offset, timestamp, key, value, headers; bytes that are not UTF-8 are {\"base64\": \"…\"}.\n"
       "\n"
       "  cambium consume words --from=@2026-11-20T12:00:00Z --exit_at_end --format='%p:%o %v\\n'\n"_kj,
       1, 1, kConsumeFlags, consume, true},
  };
  return commands;
}

}  // namespace cambium::tools
