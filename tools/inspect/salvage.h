#pragma once

#include <kj/function.h>

#include "engine/record/batch_view.h"
#include "engine/storage/file_system.h"
#include "engine/storage/storage_engine.h"

namespace cambium::tools {

// A part of a log that cannot be read.
struct LogGap {
  Offset first;
  // One past the last offset that is missing; null when nothing sound follows: how much is missing nobody can tell.
  kj::Maybe<Offset> end = nullptr;
  uint64_t bytes = 0;  // that lie there and are no sound batch
  kj::String where;    // file and position, or where the store has it
  kj::String what;     // what was expected, what was found
  // Of the native engine: where the log must be cut to end before the gap.
  Offset segment{0};
  uint64_t position = 0;
};

// A log of a store that nobody has open, damaged perhaps: what can be read of it, what cannot, and how to give the rest
// up. One thread.
class SalvageableLog {
 public:
  virtual ~SalvageableLog() noexcept(false) = default;

  virtual kj::StringPtr engine() = 0;
  virtual LogId id() = 0;
  // Where the log starts, by its own account.
  virtual Offset start() = 0;
  // Everything in the order of offsets: sound batches, whole, and the gaps between them. The views live during the call
  // they are given to.
  virtual void walk(kj::FunctionParam<void(const BatchView&)> batch, kj::FunctionParam<void(LogGap&&)> gap) = 0;
  // What cut() will make of the files, for people: "moved to …".
  virtual kj::String describeAside() = 0;
  // Ends the log before `gap`, a gap that walk() has named, so that the next start opens it. Everything from there on
  // is kept aside, sound or not.
  virtual void cut(const LogGap& gap) = 0;
  // Which session of its engine wrote it last: what is made to take its place must be of a later one.
  virtual uint64_t session() = 0;
};

// The log `name` of a data directory; null when neither of its engines has one of that name.
kj::Maybe<kj::Own<SalvageableLog>> findLog(FileSystem& files, kj::StringPtr dataDir, kj::StringPtr name);

// Begins a log of the native engine anew, empty, at `start`; what there is of it is moved to `aside` first. Throws when
// the store does not know the log.
void recreateNativeLog(FileSystem& files, kj::StringPtr name, Offset start, kj::StringPtr aside);
// Where the log was last known to end, by what the store still says about it: a lower bound.
Offset lastKnownEnd(FileSystem& files, kj::StringPtr name);

kj::Own<SalvageableLog> openNativeLog(FileSystem& files, kj::StringPtr name);
kj::Own<SalvageableLog> openRocksLog(FileSystem& files, kj::StringPtr dataDir, kj::StringPtr name);

// A path that is not there yet: "native/words-0.1-unclaimed", then .2 and so on.
kj::String freePath(FileSystem& files, kj::StringPtr before, kj::StringPtr after);

}  // namespace cambium::tools
