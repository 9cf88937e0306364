#include "tools/inspect/row_printer.h"

#include <cstring>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/encoding.h>

#include "backends/native/native_tables.h"
#include "engine/group/offset_key.h"
#include "engine/partition/producer_states.h"
#include "engine/retention/cleaner_table.h"
#include "schema/metadata.capnp.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kTableItem{"table"_kj, "tables"_kj};
constexpr ItemKind kRowItem{"row"_kj, "rows"_kj};
constexpr ItemKind kConfigItem{"config"_kj, "configs"_kj};
constexpr ItemKind kMovingItem{"moving"_kj, "moving"_kj};
constexpr ItemKind kProducerItem{"producer"_kj, "producers"_kj};
constexpr kj::StringPtr kMetadata = "metadata"_kj;
constexpr kj::StringPtr kOffsets = "offsets"_kj;
constexpr kj::StringPtr kProducers = "producers"_kj;
constexpr kj::StringPtr kCleaner = "cleaner"_kj;
constexpr kj::StringPtr kTopics = "topics/"_kj;
constexpr kj::StringPtr kDeletions = "deletions/"_kj;
constexpr size_t kRevisionBytes = 8;
constexpr size_t kIncarnationBytes = 16;

kj::String textOf(ByteView bytes) {
  return kj::heapString(bytes.asChars().begin(), bytes.size());
}

// Of a key of name, zero and incarnation.
LogId logOf(ByteView key) {
  KJ_REQUIRE(key.size() > kIncarnationBytes && key[key.size() - kIncarnationBytes - 1] == 0,
             "the key is not name, zero and incarnation");
  auto incarnation = key.size() - kIncarnationBytes;
  return {textOf(key.slice(0, incarnation - 1)), Uuid::fromBytes(key.slice(incarnation, key.size()))};
}

}  // namespace

void RowPrinter::openTable(kj::StringPtr table) {
  table_ = kj::str(table);
  rows_ = 0;
  inspection_.report.open(kTableItem);
  inspection_.report.text("name", table);
}

void RowPrinter::closeTable() {
  inspection_.report.number("rowCount", static_cast<int64_t>(rows_));
  inspection_.report.close();
}

void RowPrinter::row(ByteView key, ByteView value) {
  ++rows_;
  decode(table_, key, value);
}

void RowPrinter::change(kj::StringPtr table, ByteView key, kj::Maybe<ByteView> value) {
  KJ_IF_MAYBE(present, value) {
    decode(table, key, *present);
    return;
  }
  auto& report = inspection_.report;
  report.open(kRowItem);
  report.flag("deleted", true);
  report.bytes("key", key);
  report.close();
}

void RowPrinter::decode(kj::StringPtr table, ByteView key, ByteView value) {
  auto failure = inspection_.attempt([&] {
    if (table == kMetadata) {
      metadataRow(key, value);
    } else if (table == kOffsets) {
      offsetRow(key, value);
    } else if (table == kProducers) {
      producersRow(key, value);
    } else if (table == kCleaner) {
      cleanerRow(key, value);
    } else if (table == kNativeRegister) {
      registerRow(key, value);
    } else {
      auto& report = inspection_.report;
      report.open(kRowItem);
      report.bytes("key", key);
      report.bytes("value", value);
      report.close();
    }
  });
  KJ_IF_MAYBE(exception, failure) {
    inspection_.add(
        {.file = kj::str(file_),
         .what = kj::str("a row of the table ", table, " cannot be understood: key (hex) ", kj::encodeHex(key)),
         .found = kj::str(exception->getDescription())});
  }
}

void RowPrinter::registerRow(ByteView key, ByteView value) {
  auto id = Uuid::fromBytes(value);
  auto name = textOf(key);
  auto& report = inspection_.report;
  report.open(kRowItem);
  report.text("log", name);
  report.text("id", kj::str(id));
  report.close();
  if (catalogue_ != nullptr) catalogue_->nativeLogs[name.cStr()] = id;
}

void RowPrinter::metadataRow(ByteView key, ByteView value) {
  KJ_REQUIRE(value.size() >= kRevisionBytes, "shorter than a revision", value.size());
  Revision revision(loadBigEndian<int64_t>(value.begin()));
  auto name = textOf(key);
  auto rest = value.slice(kRevisionBytes, value.size());
  auto& report = inspection_.report;
  bool isTopic = name.startsWith(kTopics);
  if (isTopic || name.startsWith(kDeletions)) {
    auto topic = Topic::decode(rest, revision);
    KJ_REQUIRE(!isTopic || name.slice(kTopics.size()) == topic->name(), "the row of one topic holds another",
               topic->name());
    topicRow(name, kj::mv(topic));
    return;
  }
  if (inspection_.options.topic != nullptr) return;
  report.open(kRowItem);
  report.text("key", name, 20);
  report.number("revision", revision.value(), 4);
  if (rest.size() > 0) report.bytes("value", rest);
  report.close();
}

void RowPrinter::topicRow(kj::StringPtr key, kj::Own<const Topic> topic) {
  auto& report = inspection_.report;
  if (inspection_.wantsTopic(topic->name())) {
    report.open(kRowItem);
    report.text("key", key, 20);
    report.number("revision", topic->revision().value(), 4);
    report.text("topic", topic->name(), 12);
    report.text("id", kj::str(topic->id()));
    report.number("partitions", topic->partitionCount(), 4);
    report.text("engine", topic->engine(), 7);
    report.time("createdAt", topic->createdAt());
    for (int32_t i = 0; i < topic->partitionCount(); ++i) {
      auto& partition = topic->partition(i);
      if (partition.engine == topic->engine() && partition.otherEngine.size() == 0) continue;
      report.open(kMovingItem);
      report.number("partition", i, 4);
      report.text("engine", partition.engine, 7);
      report.text("otherEngine", partition.otherEngine, 7);
      report.close();
    }
    for (auto& setting : topic->settings()) {
      report.open(kConfigItem);
      report.text("name", setting.name);
      report.text("value", setting.value);
      report.close();
    }
    report.close();
  }
  if (catalogue_ == nullptr) return;
  if (key.startsWith(kTopics)) {
    catalogue_->topics[topic->name().cStr()] = kj::mv(topic);
  } else {
    auto id = topic->id();
    catalogue_->deletions[id] = kj::mv(topic);
  }
}

void RowPrinter::offsetRow(ByteView key, ByteView value) {
  auto decoded = decodeOffsetKey(key);
  auto& offsetKey = KJ_REQUIRE_NONNULL(decoded, "the key is not group, topic and partition");
  KJ_REQUIRE(value.size() % sizeof(capnp::word) == 0 && value.size() > 0, "not a message", value.size());
  auto words = kj::heapArray<capnp::word>(value.size() / sizeof(capnp::word));
  memcpy(words.begin(), value.begin(), value.size());
  capnp::FlatArrayMessageReader message(words);
  auto record = message.getRoot<persisted::OffsetRecord>();
  if (!inspection_.wantsPartition(offsetKey.topic.c_str(), offsetKey.partition)) return;
  auto& report = inspection_.report;
  report.open(kRowItem);
  report.text("group", offsetKey.group.c_str(), 12);
  report.text("topic", offsetKey.topic.c_str(), 12);
  report.number("partition", offsetKey.partition, 4);
  report.number("offset", record.getOffset(), 10);
  report.number("leaderEpoch", record.getLeaderEpoch(), 3);
  report.text("metadata", record.getMetadata());
  report.time("committedAt", TimestampMs(record.getCommittedAt()));
  report.close();
}

void RowPrinter::cleanerRow(ByteView key, ByteView value) {
  auto log = logOf(key);
  auto decoded = CleanerTable::decode(value);
  auto& progress = KJ_REQUIRE_NONNULL(decoded, "the value is damaged; the log is compacted anew");
  if (!inspection_.wantsLog(log.name)) return;
  auto& report = inspection_.report;
  report.open(kRowItem);
  report.text("log", log.name, 20);
  report.text("id", kj::str(log.incarnation));
  report.number("cleanedUpTo", progress.cleanedUpTo.value(), 10);
  report.time("nextHorizon", progress.nextHorizon);
  report.close();
}

void RowPrinter::producersRow(ByteView key, ByteView value) {
  auto log = logOf(key);
  auto decoded = ProducerStates::decode(value, {.producersMax = SIZE_MAX});
  auto& snapshot = KJ_REQUIRE_NONNULL(decoded, "the value is damaged; the next start makes it again from the log");
  if (!inspection_.wantsLog(log.name)) return;
  auto& report = inspection_.report;
  report.open(kRowItem);
  report.text("log", log.name, 20);
  report.text("id", kj::str(log.incarnation));
  report.number("upTo", snapshot.upTo.value(), 10);
  for (auto& producer : snapshot.states.describe()) {
    report.open(kProducerItem);
    report.number("producerId", producer.producerId, 8);
    report.number("epoch", producer.epoch, 3);
    report.number("lastSequence", producer.lastSequence, 10);
    report.time("lastTimestamp", producer.lastTimestamp);
    report.close();
  }
  report.close();
}

}  // namespace cambium::tools
