#include "backends/rocksdb/log_registry.h"

#include <kj/debug.h>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/row_cursor.h"
#include "engine/base/byte_cursor.h"
#include "engine/storage/names.h"

namespace cambium::rocks {

namespace {

constexpr kj::StringPtr kNextLog = "next-log"_kj;

}  // namespace

LogRegistry::LogRegistry(RocksStore& store) : store_(store) {
  KJ_IF_MAYBE(number, store.get(store.meta(), kNextLog.asBytes(), "reading the next log number")) {
    KJ_REQUIRE(number->size() == 4,
               "the row 'next-log' of the store is damaged; check the store with the inspection tool", store.path());
    nextNumber_ = loadBigEndian<uint32_t>(number->begin());
  }
  for (RowCursor cursor(store, store.logs()); cursor.valid(); cursor.next()) {
    auto name = kj::heapString(cursor.key().asChars().begin(), cursor.key().size());
    auto row = decodeLogRow(name, cursor.value());
    KJ_REQUIRE(row.number.value() < nextNumber_,
               "a log has a number that was never given; check the store with the inspection tool", store.path(), name,
               row.number, nextNumber_);
    entries_[name.cStr()] = Entry{row};
  }
}

LogRow LogRegistry::acquire(const LogId& id) {
  requireLogName(id.name);
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = entries_.find(id.name.cStr());
  if (found != entries_.end()) {
    auto& entry = found->second;
    KJ_REQUIRE(!entry.isOpen, "the log is open already", id.name);
    KJ_REQUIRE(entry.row.incarnation == id.incarnation, "another log of this name exists: drop it first", id.name,
               entry.row.incarnation, id.incarnation);
    if (!entry.isSynced) {
      store_.walSync().ensure(store_.walSync().mark());
      entry.isSynced = true;
    }
    entry.isOpen = true;
    return entry.row;
  }
  KJ_REQUIRE(nextNumber_ < UINT32_MAX, "no log number is left in this store: move its logs to a new one",
             store_.path());
  LogRow row{LogNumber(nextNumber_), id.incarnation, Offset(0), Offset(0)};
  kj::byte next[4];
  storeBigEndian(next, nextNumber_ + 1);
  rocksdb::WriteBatch batch;
  put(batch, id.name, row);
  check(batch.Put(&store_.meta(), kNextLog.cStr(), toSlice(kj::arrayPtr(next, 4))), kNextLog);
  store_.write(batch, RocksStore::Durability::kBuffered, kj::str("making log ", id.name));
  ++nextNumber_;
  entries_[id.name.cStr()] = Entry{row, true};
  return row;
}

void LogRegistry::release(kj::StringPtr name, bool isSynced) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto& entry = entries_.at(name.cStr());
  entry.isOpen = false;
  entry.isSynced = entry.isSynced && isSynced;
}

kj::Maybe<LogRow> LogRegistry::acquireForDrop(const LogId& id) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = entries_.find(id.name.cStr());
  if (found == entries_.end() || !(found->second.row.incarnation == id.incarnation)) return nullptr;
  KJ_REQUIRE(!found->second.isOpen, "the log is open: close it before dropping it", id.name);
  found->second.isOpen = true;
  return found->second.row;
}

void LogRegistry::put(rocksdb::WriteBatch& batch, kj::StringPtr name, const LogRow& row) {
  check(batch.Put(&store_.logs(), name.cStr(), toSlice(encode(row))), name);
}

void LogRegistry::applied(kj::StringPtr name, const LogRow& row) {
  std::lock_guard<std::mutex> lock(mutex_);
  entries_.at(name.cStr()).row = row;
}

void LogRegistry::putErasure(rocksdb::WriteBatch& batch, kj::StringPtr name) {
  check(batch.Delete(&store_.logs(), name.cStr()), name);
}

void LogRegistry::erased(kj::StringPtr name) {
  std::lock_guard<std::mutex> lock(mutex_);
  entries_.erase(name.cStr());
}

kj::Array<LogId> LogRegistry::list() {
  std::lock_guard<std::mutex> lock(mutex_);
  auto ids = kj::heapArrayBuilder<LogId>(entries_.size());
  for (auto& [name, entry] : entries_)
    ids.add(LogId{kj::str(name.c_str()), entry.row.incarnation});
  return ids.finish();
}

bool LogRegistry::holds(const LogId& id) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = entries_.find(id.name.cStr());
  return found != entries_.end() && found->second.row.incarnation == id.incarnation;
}

size_t LogRegistry::openCount() {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t count = 0;
  for (auto& [name, entry] : entries_)
    count += entry.isOpen ? 1 : 0;
  return count;
}

}  // namespace cambium::rocks
