#include "engine/storage/memory_tables.h"

#include <algorithm>

#include "engine/storage/names.h"

namespace cambium {
namespace {

bool startsWith(ByteView whole, ByteView prefix) {
  return whole.size() >= prefix.size() && whole.slice(0, prefix.size()) == prefix;
}

}  // namespace

bool MemoryTables::BytesLess::operator()(ByteView a, ByteView b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

const MemoryTables::Rows* MemoryTables::find(kj::StringPtr table) const {
  requireTableName(table);
  auto found = tables_.find(table);
  return found == tables_.end() ? nullptr : &found->second;
}

kj::Maybe<kj::Array<kj::byte>> MemoryTables::get(kj::StringPtr table, ByteView key) const {
  auto* rows = find(table);
  if (rows == nullptr) return nullptr;
  auto row = rows->find(key);
  if (row == rows->end()) return nullptr;
  return kj::heapArray<kj::byte>(row->second);
}

void MemoryTables::scan(kj::StringPtr table, ByteView prefix,
                        kj::FunctionParam<bool(ByteView key, ByteView value)>& visit) const {
  auto* rows = find(table);
  if (rows == nullptr) return;
  for (auto row = rows->lower_bound(prefix); row != rows->end() && startsWith(row->first, prefix); ++row) {
    if (!visit(row->first, row->second)) return;
  }
}

void MemoryTables::commit(kj::ArrayPtr<const TableChange> changes) {
  for (auto& change : changes)
    requireTableName(change.table);
  for (auto& change : changes) {
    auto table = tables_.find(change.table);
    if (table == tables_.end()) table = tables_.emplace(kj::str(change.table), Rows()).first;
    auto row = table->second.find(change.key);
    if (row != table->second.end()) table->second.erase(row);
    KJ_IF_MAYBE(value, change.value) {
      table->second.emplace(kj::heapArray<kj::byte>(change.key), kj::heapArray<kj::byte>(*value));
    }
  }
}

Bytes MemoryTables::sizeBytes() const {
  Bytes total;
  for (auto& table : tables_) {
    for (auto& row : table.second)
      total += row.first.size() + row.second.size();
  }
  return total;
}

}  // namespace cambium
