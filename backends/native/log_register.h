#pragma once

#include <atomic>
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
  // `tables` outlives this. `report` hears of a register that cannot be written.
  LogRegister(NativeTables& tables, kj::Function<void(kj::StringPtr)> report);
  KJ_DISALLOW_COPY(LogRegister);

  // Null when no log of that name is registered.
  kj::Maybe<Uuid> find(kj::StringPtr name) const;
  bool holds(const LogId& id) const;
  // Durable on return. False when it could not be written and is to be tried again: what the log holds is as durable as
  // without it.
  bool add(const LogId& id);
  // Nobody misses the log any more. When the row cannot be removed now, as on a full device, which removing the log may
  // be meant to end, it goes with settle().
  void remove(const LogId& id);
  // Registers `logs` as well, and brings the table to what is known.
  void settle(kj::ArrayPtr<const LogId> logs);

 private:
  using Known = std::map<std::string, Uuid>;

  Known read() const;
  bool commit(kj::ArrayPtr<const TableChange> changes);

  NativeTables& tables_;
  kj::Function<void(kj::StringPtr)> report_;
  std::atomic<bool> reported_{false};  // once is enough: every sync tries again
  Guarded<Known> known_;
};

}  // namespace cambium
