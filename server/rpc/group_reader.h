#pragma once

#include "engine/base/bell.h"
#include "engine/base/coroutine.h"
#include "engine/group/assignor.h"
#include "schema/cambium.capnp.h"
#include "server/rpc/session.h"

namespace cambium {

// Whole milliseconds until then, rounded up: one too few would be a wait of none, again and again, in which no time
// passes. 0 when it is over.
inline int64_t millisecondsUntil(kj::TimePoint deadline, kj::TimePoint now) {
  if (now >= deadline) return 0;
  return (deadline - now + (kj::MILLISECONDS - kj::NANOSECONDS)) / kj::MILLISECONDS;
}

// What one member of a group reads: its partitions, how far it was given each, and the next records of all of them.
class GroupReader {
 public:
  struct Place {
    GroupPartition partition;
    Uuid topic{};
    Offset next = kNoOffset;     // of the next record to give out
    kj::Maybe<Error> failure{};  // why it pauses
    bool told = false;           // a round had the failure
  };
  // What one read found in one partition.
  struct Piece {
    Place* place;  // of the reader; good until the next assign()
    Result<ReadOutcome> outcome;
  };
  struct Round {
    kj::Vector<Piece> pieces;  // those with batches, or with a failure
    AnswerBudget::Share share;
  };

  // `startAtEnd`: where partitions begin without a usable committed offset; else at the beginning.
  GroupReader(Session& session, std::string group, bool startAtEnd)
      : session_(session), group_(kj::mv(group)), startAtEnd_(startAtEnd) {}
  KJ_DISALLOW_COPY(GroupReader);

  // What is read from now on. Partitions that were there stay where they are, others begin where the group has
  // committed. One that cannot be found is there with its failure.
  kj::Promise<void> assign(std::vector<GroupPartition> partitions);
  // Until the next assign() nothing is read: read() that waits answers with nothing.
  void stop();
  // Counts assign() and stop(): what was read under another one must not be given out.
  uint64_t epoch() const { return epoch_; }
  bool isReading() const { return reading_; }
  kj::ArrayPtr<const Place> places() const { return places_; }

  // Waits for the first batch; without pieces when the wait is over or the reader was stopped. Begins with another
  // partition each time. Places do not move on by that: the caller sets `next` of what it gives out.
  kj::Promise<Round> read(Bytes bytesMax, int64_t waitMsMax);

 private:
  kj::Promise<Round> readOnce(Bytes bytesMax, int64_t waitMs);
  kj::Promise<void> findStart(Place& place, Offset committed);
  kj::Promise<void> beginAnew(Place& place);
  std::vector<Place*> readable();
  // Hands out each failure once.
  void tellFailures(Round& round);

  Session& session_;
  const std::string group_;
  const bool startAtEnd_;
  kj::Vector<Place> places_;
  bool reading_ = false;
  uint64_t epoch_ = 0;
  size_t turn_ = 0;  // whose turn it is to be first
  Bell stopped_;
};

}  // namespace cambium
