#pragma once

#include <map>
#include <mutex>
#include <string>

#include "backends/rocksdb/rocks_store.h"
#include "engine/storage/storage_engine.h"

namespace cambium::rocks {

// The tables: one family each, made by the first commit. Any thread.
class RocksTables {
 public:
  explicit RocksTables(RocksStore& store);

  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key);
  void scan(kj::StringPtr table, ByteView prefix, kj::FunctionParam<bool(ByteView key, ByteView value)> visit);
  void commit(kj::ArrayPtr<const TableChange> changes);
  Bytes bytesOnDevice();

 private:
  // Null when the table does not exist.
  RocksStore::Family* find(kj::StringPtr table);
  RocksStore::Family* findOrCreate(kj::StringPtr table);

  RocksStore& store_;
  std::mutex mutex_;
  std::map<std::string, RocksStore::Family*> tables_;  // never removed from
};

}  // namespace cambium::rocks
