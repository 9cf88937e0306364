#include "engine/partition/producer_table.h"

#include "engine/base/byte_cursor.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kTable = "producers"_kj;

}  // namespace

kj::Array<kj::byte> ProducerTable::keyOf(const LogId& log) {
  ByteWriter key(log.name.size() + 1 + log.incarnation.bytes().size());
  key.bytes(log.name.asBytes());
  key.int8(0);
  key.bytes(log.incarnation.bytes());
  return key.finish();
}

kj::Maybe<kj::Array<kj::byte>> ProducerTable::load(const LogId& log) const {
  return engine_->get(kTable, keyOf(log));
}

void ProducerTable::commit(kj::ArrayPtr<const ProducerRow> rows) const {
  if (rows.size() == 0) return;
  kj::Vector<TableChange> changes(rows.size());
  for (auto& row : rows)
    changes.add(TableChange{kTable, row.key, row.value.asPtr()});
  engine_->commit(changes);
}

void ProducerTable::forget(kj::ArrayPtr<const LogId> logs) const {
  kj::Vector<kj::Array<kj::byte>> keys(logs.size());
  kj::Vector<TableChange> changes(logs.size());
  for (auto& log : logs) {
    keys.add(keyOf(log));
    if (engine_->get(kTable, keys.back()) != nullptr) changes.add(TableChange{kTable, keys.back(), nullptr});
  }
  if (changes.size() > 0) engine_->commit(changes);
}

}  // namespace cambium
