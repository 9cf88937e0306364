#pragma once

#include <list>
#include <string>
#include <unordered_map>

#include <kj/vector.h>

#include "engine/base/clock.h"
#include "engine/base/uuid.h"

namespace cambium::kafka {

// A partition as a client fetches it.
struct FetchedPartition {
  std::string topic;  // empty where the client names topics by id
  Uuid topicId;
  int32_t partition = 0;
  int32_t currentLeaderEpoch = -1;
  int64_t fetchOffset = 0;
  int32_t lastFetchedEpoch = -1;
  int32_t bytesMax = 0;

  // What the client was told last; -1: nothing yet.
  int64_t highWatermark = -1;
  int64_t logStart = -1;
  bool failed = false;

  bool sameAs(const FetchedPartition& other) const {
    return partition == other.partition && topicId == other.topicId && topic == other.topic;
  }
};

// An incremental fetch session (KIP-227): the partitions that a client fetches, remembered between its requests, so
// that each names only what changes.
struct FetchSession {
  int32_t id = 0;
  int32_t epoch = 1;  // that the next request carries
  bool byId = false;
  kj::Vector<FetchedPartition> partitions;  // in the order in which they are served next
  int64_t usedAtMs = 0;

  // Adds partitions, or changes what is known of them.
  void put(kj::Vector<FetchedPartition> changes);
  void forget(const kj::Vector<FetchedPartition>& gone);
  // Those in front that were answered with records go to the end, so that none starves the others.
  void rotate(const kj::Vector<bool>& served);
};

// The sessions of one loop. Bounded: when all places are taken, a session that was not used for a while gives way, else
// the client is served without one.
class FetchSessions {
 public:
  FetchSessions(unsigned sessionsMax, const Entropy& entropy) : sessionsMax_(sessionsMax), entropy_(entropy) {}
  KJ_DISALLOW_COPY(FetchSessions);

  // Null when there is no room, or when these are too many for one session.
  FetchSession* create(int64_t nowMs, size_t partitions);
  FetchSession* find(int32_t id, int64_t nowMs);
  void remove(int32_t id);
  // The session has grown beyond what one may hold, or all of them together beyond what they may.
  bool overfull(const FetchSession& session) const {
    return session.partitions.size() > kPartitionsPerSessionMax || partitionsHeld() > kPartitionsMax;
  }
  size_t size() const { return sessions_.size(); }

 private:
  static constexpr size_t kPartitionsMax = 500'000;
  // Each request goes through all of its session in one go.
  static constexpr size_t kPartitionsPerSessionMax = 10'000;

  bool makeRoom(int64_t nowMs, size_t partitions);
  size_t partitionsHeld() const;

  const unsigned sessionsMax_;
  const Entropy& entropy_;
  std::list<FetchSession> sessions_;  // least recently used first
  std::unordered_map<int32_t, std::list<FetchSession>::iterator> byId_;
};

}  // namespace cambium::kafka
