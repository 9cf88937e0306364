#pragma once

#include <deque>

#include "engine/storage/memory_engine.h"
#include "tests/contract/log_contract.h"

namespace cambium {

// An engine and the memory model with the same things in them, and what it takes to keep it so over restarts and
// crashes, and to see that it is so. Differences are GoogleTest failures.
class SideBySide {
 public:
  // A place for a log. It has a name, and from time to time a log of that name, open in both engines.
  struct Slot {
    kj::String name;
    kj::byte incarnation = 0;
    bool exists = false;
    LogOptions options;
    kj::Own<PartitionLog> subject;
    kj::Own<PartitionLog> model;
    Bounds atClose{};  // of the subject
  };

  SideBySide(BackendFixture& subject, size_t slots);
  KJ_DISALLOW_COPY(SideBySide);

  StorageEngine& subject() { return fixture_.engine(); }
  StorageEngine& model() { return *model_; }
  kj::Vector<Slot>& slots() { return slots_; }

  // Makes a log in an empty slot.
  void make(Slot& slot, kj::byte incarnation, LogOptions options);
  void drop(Slot& slot);
  // Closes one log and opens it again.
  void reopenLog(Slot& slot);
  // Applies the same to both; what the model refuses, the subject must refuse, and nothing else.
  void onBoth(Slot& slot, kj::FunctionParam<void(PartitionLog&)> change);

  // These do it to the engines with all logs, compare everything, and leave all logs open.
  void reopen();
  void kill();
  void crash(int times);

  // Offsets where an extent begins or ends in both, rising: what can be rewritten in both lies between two of them.
  kj::Vector<Offset> commonEdges(Slot& slot);

  void compareBounds(Slot& slot);
  void compareContents(Slot& slot);
  // Names and incarnations of all logs.
  void compareList();
  void compareScan(kj::StringPtr table, ByteView prefix);

  // Remembers what was done, to tell it after a failure.
  template <class... Parts>
  void note(Parts&&... parts) {
    history_.push_back(kj::str(kj::fwd<Parts>(parts)...).cStr());
    if (history_.size() > kHistory) history_.pop_front();
  }
  // The last notes, a line each.
  std::string history() const;

  static constexpr kj::StringPtr kTables[] = {"offsets"_kj, "metadata"_kj, "t"_kj};

 private:
  static constexpr size_t kHistory = 15;

  void openBoth(Slot& slot);
  void openAfterCrash(Slot& slot);
  void closeAll();
  void openAll();
  void compareExtents(Slot& slot);
  void compareTables();

  BackendFixture& fixture_;
  MemoryStore store_;
  kj::Own<StorageEngine> model_;
  kj::Vector<Slot> slots_;
  std::deque<std::string> history_;
};

}  // namespace cambium
