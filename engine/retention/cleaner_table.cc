#include "engine/retention/cleaner_table.h"

#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"
#include "engine/partition/producer_table.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kTable = "cleaner"_kj;
constexpr int8_t kVersion = 1;
constexpr size_t kCrcBytes = 4;

}  // namespace

kj::Array<kj::byte> CleanerTable::encode(const CleanerProgress& progress) {
  ByteWriter out;
  out.uint32(0);
  out.int8(kVersion);
  out.int64(progress.cleanedUpTo.value());
  out.int64(progress.nextHorizon.value());
  auto written = out.written();
  storeBigEndian(written.begin(), crc32c(written.slice(kCrcBytes, written.size())));
  return out.finish();
}

kj::Maybe<CleanerProgress> CleanerTable::decode(ByteView value) {
  ByteReader in(value);
  auto crc = in.uint32();
  if (in.failed() || crc != crc32c(value.slice(kCrcBytes, value.size())) || in.int8() != kVersion) return nullptr;
  CleanerProgress progress;
  progress.cleanedUpTo = Offset(in.int64());
  progress.nextHorizon = TimestampMs(in.int64());
  if (!in.finished()) return nullptr;
  return progress;
}

CleanerProgress CleanerTable::load(const LogId& log) const {
  KJ_IF_MAYBE(row, engine_->get(kTable, ProducerTable::keyOf(log))) return decode(*row).orDefault(CleanerProgress());
  return {};
}

void CleanerTable::save(const LogId& log, const CleanerProgress& progress) const {
  auto key = ProducerTable::keyOf(log);
  auto value = encode(progress);
  TableChange change{kTable, key, ByteView(value)};
  engine_->commit({&change, 1});
}

void CleanerTable::forget(kj::ArrayPtr<const LogId> logs) const {
  kj::Vector<kj::Array<kj::byte>> keys(logs.size());
  kj::Vector<TableChange> changes(logs.size());
  for (auto& log : logs) {
    keys.add(ProducerTable::keyOf(log));
    if (engine_->get(kTable, keys.back()) != nullptr) changes.add(TableChange{kTable, keys.back(), nullptr});
  }
  if (changes.size() > 0) engine_->commit(changes);
}

}  // namespace cambium
