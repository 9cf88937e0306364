#pragma once

#include <map>
#include <mutex>
#include <string>

#include "backends/rocksdb/rocks_store.h"
#include "engine/storage/storage_engine.h"

namespace cambium::rocks {

// Which logs exist and which are open: the family `logs`, kept in memory as well. Any thread.
class LogRegistry {
 public:
  explicit LogRegistry(RocksStore& store);

  // Marks a log as open and returns its row; makes one with the next number when there is none. Throws when it is open
  // already, when its name is malformed, or when a log of another incarnation has the name. A new row is durable no
  // later than anything the log holds: both are in the same write-ahead log, in this order. What the log holds is
  // durable on return.
  LogRow acquire(const LogId& id);
  // The log is no longer open. `isSynced`: all it held was durable.
  void release(kj::StringPtr name, bool isSynced);
  // The row of a log that is to be dropped, marked as open until erase() or release(); null when there is no such log.
  // Throws when it is open.
  kj::Maybe<LogRow> acquireForDrop(const LogId& id);

  // Adds the change of a row to a write, and, once the write has succeeded, makes it known here.
  void put(rocksdb::WriteBatch& batch, kj::StringPtr name, const LogRow& row);
  void applied(kj::StringPtr name, const LogRow& row);
  void putErasure(rocksdb::WriteBatch& batch, kj::StringPtr name);
  void erased(kj::StringPtr name);

  // Sorted by name.
  kj::Array<LogId> list();
  bool holds(const LogId& id);
  size_t openCount();

 private:
  struct Entry {
    LogRow row;
    bool isOpen = false;
    bool isSynced = true;
  };

  RocksStore& store_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  uint32_t nextNumber_ = 1;
};

}  // namespace cambium::rocks
