#pragma once

#include <kj/common.h>
#include <kj/vector.h>

#include "engine/base/byte_cursor.h"
#include "engine/base/quantity.h"

namespace cambium {

// The leader epochs of one log and the offset at which each of them begins (KIP-101), both rising:
//
//     (0: 0) (2: 20) (5: 31)     the leader of epoch 0 has written the offsets 0 to 19, that of epoch 2 20 to 30
//
// An epoch without records has an entry while it is the last one. Decides as Kafka's LeaderEpochFileCache does. Pure
// data, movable. One thread.
class LeaderEpochs {
 public:
  struct Entry {
    LeaderEpoch epoch;
    Offset start;
  };
  // Where the records of an epoch end: the largest epoch up to the one asked for that has any, and one past its last
  // offset. kNoLeaderEpoch and kNoOffset when nothing is known.
  struct End {
    LeaderEpoch epoch = kNoLeaderEpoch;
    Offset offset = kNoOffset;
    bool operator==(const End&) const = default;
  };

  LeaderEpochs() = default;
  LeaderEpochs(LeaderEpochs&&) = default;
  LeaderEpochs& operator=(LeaderEpochs&&) = default;
  KJ_DISALLOW_COPY(LeaderEpochs);

  // What is written from `start` on is of `epoch`. Nothing when that is the last epoch already. Forgets entries that
  // contradict it: those that begin at `start` or behind it, and those of the same or a later epoch.
  void assign(LeaderEpoch epoch, Offset start);
  // Forgets every epoch that begins at `end` or behind it: the log ends there now.
  void truncateFrom(Offset end);
  // Forgets every epoch that ends at `start` or before it: the log begins there now. The last one stays.
  void dropBefore(Offset start);

  // kNoLeaderEpoch when there is no entry.
  LeaderEpoch latest() const { return entries_.size() == 0 ? kNoLeaderEpoch : entries_.back().epoch; }
  // Of the record at `offset`; kNoLeaderEpoch before the first entry.
  LeaderEpoch epochAt(Offset offset) const;
  // For (0: 0) (2: 20) (5: 31) and a log that ends at 40:
  //
  //     0 -> (0, 20)    1 -> (0, 20)    2 -> (2, 31)    5 -> (5, 40)    6 -> nothing is known
  //
  // An epoch before the first entry ends where that one begins.
  End endOffsetFor(LeaderEpoch epoch, Offset logEnd) const;

  bool isEmpty() const { return entries_.size() == 0; }
  kj::ArrayPtr<const Entry> entries() const { return entries_; }

  // As bytes: int32 count, for each entry int32 epoch, int64 start; big-endian.
  void write(ByteWriter& out) const;
  size_t bytes() const { return 4 + entries_.size() * 12; }
  // Null when `in` has no such thing.
  static kj::Maybe<LeaderEpochs> read(ByteReader& in);

 private:
  kj::Vector<Entry> entries_;
};

}  // namespace cambium
