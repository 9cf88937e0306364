#pragma once

#include "engine/partition/log_copy.h"

namespace cambium {

// How hard a move works.
struct MovePace {
  Bytes sliceBytes = kibibytes(256);  // read, and held in memory, at a time; one batch at least
  Bytes syncEvery = mebibytes(16);    // of the copy
  Bytes spaceCheckEvery = mebibytes(16);
  Bytes bytesPerSecond{0};  // 0: as fast as it goes
};

// What a move needs besides its partition. Everything here outlives it.
struct MoveSurroundings {
  WorkPool& pool;
  kj::Timer& timer;
  const Clock& clock;
  // Writes down, durably and at once, that the copy is in charge from now on. An error: it may not be, and nothing was
  // written. Rejects with OVERLOADED when nothing was written, with anything else when it is not known.
  kj::Function<kj::Promise<Result<void>>()> recordSwitch;
  // Why the device has no room for so much more, or null.
  kj::Function<kj::Maybe<kj::String>(Bytes more)> lackOfRoom;
};

// One attempt to bring the log of a partition into another engine while the partition goes on:
//
//     1. a new, empty log in the other engine
//     2. copy what there is, slice by slice; again what came meanwhile, until little is left
//     3. hold appends (they wait), copy the rest, sync the copy, bring its start to where the source's is
//     4. recordSwitch: before it the source is in charge whatever happens, behind it the copy
//     5. exchange the logs in the partition, let appends go on; high watermark, waiting readers and the states of
//        producers are the partition's and stay as they are
//
// Who runs it removes the log that is then known not to be in charge: the old one, or what there is of the copy. A copy
// is never taken up again, each attempt begins anew: between two attempts the source may lose what it had not synced (a
// power loss) or be compacted, and nobody would see which of the copied batches are of another time.
//
// Lives on the partition's loop. The partition must not be closed before run() is done.
class LogMove {
 public:
  enum class Outcome {
    kSwitched,   // the partition uses the copy; the old log is closed
    kCancelled,  // the copy is closed, the partition uses its old log
    kUnknown,    // nobody knows which log is in charge: neither may be removed, and the partition is offline
  };

  LogMove(kj::Own<Partition> partition, StorageEngine& to, LogId id, MovePace pace, MoveSurroundings surroundings);
  ~LogMove() noexcept(false);
  KJ_DISALLOW_COPY(LogMove);

  // The next slice is copied at this pace.
  void setPace(MovePace pace) { pace_ = pace; }
  // To be called once. An error says why the move failed; the outcome is that of kCancelled then.
  kj::Promise<Result<Outcome>> run();
  // run() ends soon, unless the switch was recorded already.
  void cancel();
  MoveStatus status();

 private:
  kj::Promise<Result<Outcome>> steps();
  // Copies until the end of the source was reached; false when cancelled. With `all` nothing may come meanwhile.
  kj::Promise<Result<bool>> catchUp(bool all);
  kj::Promise<Result<Outcome>> switchOver();
  kj::Promise<Result<Outcome>> recordSwitch();
  kj::Promise<void> keepPace();
  kj::Promise<void> onPool(kj::Function<void(LogCopy&)> step);
  Error failed(kj::StringPtr reason) const;

  kj::Own<Partition> partition_;
  kj::String to_;
  MovePace pace_;
  MoveSurroundings surroundings_;
  kj::Own<LogCopy> copy_;
  bool cancelled_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> pause_;  // set while it waits for its pace
  MoveStatus::Phase phase_ = MoveStatus::Phase::kCopying;
  Offset copiedUpTo_ = kNoOffset;
  uint64_t copied_ = 0;
  uint64_t checkedAt_ = 0;  // `copied_` when the room was looked at
  int64_t begunNs_ = 0;
  uint64_t appendedBefore_ = 0;
};

}  // namespace cambium
