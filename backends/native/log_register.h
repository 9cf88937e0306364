#pragma once

#include <map>
#include <string>

#include <kj/vector.h>

#include "backends/native/native_tables.h"

namespace cambium {

// Which logs of a native engine held batches that were durable, kept apart from the logs themselves: one whose folder
// is gone is missed, and never taken for one that was never made. The table "native_logs": a log's name -> its
// incarnation, 16 bytes. Any thread; changes block for a commit.
class LogRegister {
 public:
  // `tables` outlives this.
  explicit LogRegister(NativeTables& tables);
  KJ_DISALLOW_COPY(LogRegister);

  // Null when no log of that name is registered.
  kj::Maybe<Uuid> find(kj::StringPtr name) const;
  bool holds(const LogId& id) const;
  // Durable on return. False when the device is full and it is to be tried again.
  bool add(const LogId& id);
  // Nobody misses the log any more. On a full device, which removing it may be meant to end, the row goes with
  // settle().
  void remove(const LogId& id);
  // Registers `logs` as well, and brings the table to what is known.
  void settle(kj::ArrayPtr<const LogId> logs);

 private:
  using Known = std::map<std::string, Uuid>;

  Known read() const;
  bool commit(kj::ArrayPtr<const TableChange> changes);

  NativeTables& tables_;
  Guarded<Known> known_;
};

}  // namespace cambium
