#include "backends/rocksdb/rocks_tables.h"

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/row_cursor.h"
#include "engine/storage/names.h"

namespace cambium::rocks {

RocksTables::RocksTables(RocksStore& store) : store_(store), tables_(store.foundTables()) {}

RocksStore::Family* RocksTables::find(kj::StringPtr table) {
  requireTableName(table);
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = tables_.find(table.cStr());
  return found == tables_.end() ? nullptr : found->second;
}

RocksStore::Family* RocksTables::findOrCreate(kj::StringPtr table) {
  requireTableName(table);
  std::lock_guard<std::mutex> lock(mutex_);
  auto& family = tables_[table.cStr()];
  if (family == nullptr) {
    KJ_ON_SCOPE_FAILURE(tables_.erase(table.cStr()));
    family = store_.createTable(table);
  }
  return family;
}

kj::Maybe<kj::Array<kj::byte>> RocksTables::get(kj::StringPtr table, ByteView key) {
  store_.requireHealthy();
  auto* family = find(table);
  if (family == nullptr) return nullptr;
  return store_.get(*family, key, kj::str("reading table ", table));
}

void RocksTables::scan(kj::StringPtr table, ByteView prefix,
                       kj::FunctionParam<bool(ByteView key, ByteView value)> visit) {
  store_.requireHealthy();
  auto* family = find(table);
  if (family == nullptr) return;
  for (RowCursor cursor(store_, *family, prefix); cursor.valid(); cursor.next()) {
    if (!toSlice(cursor.key()).starts_with(toSlice(prefix)) || !visit(cursor.key(), cursor.value())) return;
  }
}

void RocksTables::commit(kj::ArrayPtr<const TableChange> changes) {
  store_.requireHealthy();
  if (changes.size() == 0) return;
  rocksdb::WriteBatch batch;
  for (auto& change : changes) {
    auto* family = findOrCreate(change.table);
    KJ_IF_MAYBE(value, change.value) {
      check(batch.Put(family, toSlice(change.key), toSlice(*value)), change.table);
    } else {
      check(batch.Delete(family, toSlice(change.key)), change.table);
    }
  }
  store_.write(batch, RocksStore::Durability::kSynced, "committing to tables");
}

Bytes RocksTables::bytesOnDevice() {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t sum = 0;
  for (auto& [name, family] : tables_)
    sum += store_.bytesOnDevice(*family);
  return Bytes(sum);
}

}  // namespace cambium::rocks
