#include "tools/inspect/batch_lister.h"

#include "engine/record/record_reader.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kBatchItem{"batch"_kj, "batches"_kj};
constexpr ItemKind kRecordItem{"record"_kj, "records"_kj};
constexpr ItemKind kHeaderItem{"header"_kj, "headers"_kj};
constexpr int kNumberWidth = 10;

}  // namespace

void BatchLister::see(const BatchView& batch, const BatchLocation& location, bool damaged) {
  inspection_.readBatch(location.file, batch.size(), batch.recordCount());
  auto& options = inspection_.options;
  bool print = lists_ && wants(batch);
  if (print) {
    ++listed_;
    list(batch, location, damaged);
  }
  if (!damaged && (options.verify || options.deep || (print && options.records)))
    readRecords(batch, location, print && options.records);
  if (print) inspection_.report.close();
  KJ_IF_MAYBE(max, options.batchesMax) done_ = done_ || listed_ >= *max;
}

bool BatchLister::wants(const BatchView& batch) {
  auto& options = inspection_.options;
  KJ_IF_MAYBE(to, options.to) {
    if (batch.baseOffset() >= *to) done_ = true;
  }
  return !done_ && batch.lastOffset() >= options.from;
}

void BatchLister::list(const BatchView& batch, const BatchLocation& location, bool damaged) {
  auto& report = inspection_.report;
  report.open(kBatchItem);
  report.number("baseOffset", batch.baseOffset().value(), kNumberWidth);
  report.number("lastOffset", batch.lastOffset().value(), kNumberWidth);
  KJ_IF_MAYBE(position, location.position) report.number("position", static_cast<int64_t>(*position), kNumberWidth);
  KJ_IF_MAYBE(family, location.family) report.text("family", *family);
  report.number("bytes", static_cast<int64_t>(batch.size()), kNumberWidth - 3);
  report.number("recordCount", batch.recordCount(), kNumberWidth - 5);
  auto codec = static_cast<int>(batch.codec());
  report.text("codec", codec < kCodecCount ? kj::str(codecName(batch.codec())) : kj::str("unknown-", codec), 6);
  report.time("baseTimestamp", batch.baseTimestamp());
  report.time("maxTimestamp", batch.maxTimestamp());
  report.text("timestampType", batch.timestampType() == TimestampType::kCreateTime ? "create" : "append", 6);
  report.number("leaderEpoch", batch.leaderEpoch().value(), 3);
  report.number("producerId", batch.producerId(), 3);
  report.number("producerEpoch", batch.producerEpoch(), 3);
  report.number("baseSequence", batch.baseSequence(), 3);
  report.flag("transactional", batch.isTransactional());
  report.flag("control", batch.isControl());
  report.text("crc", damaged ? "wrong" : "ok");
}

void BatchLister::readRecords(const BatchView& batch, const BatchLocation& location, bool print) {
  auto& report = inspection_.report;
  auto& options = inspection_.options;
  RecordReader reader(batch);
  while (auto* record = reader.next()) {
    if (!print || record->offset < options.from) continue;
    KJ_IF_MAYBE(to, options.to) {
      if (record->offset >= *to) continue;
    }
    report.open(kRecordItem);
    report.number("offset", record->offset.value(), kNumberWidth);
    report.time("timestamp", record->timestamp);
    report.bytes("key", record->key);
    report.bytes("value", record->value);
    for (auto& header : record->headers) {
      report.open(kHeaderItem);
      report.bytes("key", header.key);
      report.bytes("value", header.value);
      report.close();
    }
    report.close();
  }
  KJ_IF_MAYBE(failure, reader.error()) {
    inspection_.add(
        {.file = kj::str(location.file),
         .position = location.position,
         .offset = batch.baseOffset(),
         .what = kj::str("the records of the batch cannot be read, its checksum is right: ", failure->message)});
  }
}

}  // namespace cambium::tools
