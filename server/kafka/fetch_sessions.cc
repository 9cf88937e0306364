#include "server/kafka/fetch_sessions.h"

#include <cstring>
#include <set>
#include <tuple>

namespace cambium::kafka {

namespace {

// As Kafka: a session that was used within this time is not given up for a new one.
constexpr int64_t kUnusedMsMin = 120'000;

// Partitions by what they are, not by what is known of them. A tree, because clients choose the names.
struct Less {
  bool operator()(const FetchedPartition* a, const FetchedPartition* b) const {
    return std::tie(a->partition, a->topicId, a->topic) < std::tie(b->partition, b->topicId, b->topic);
  }
};

}  // namespace

// A client may name thousands at once: each is looked up in a set that is made for the purpose.
void FetchSession::put(kj::Vector<FetchedPartition> changes) {
  if (changes.size() == 0) return;
  std::set<FetchedPartition*, Less> known;
  for (auto& one : partitions)
    known.insert(&one);
  kj::Vector<FetchedPartition> added;
  std::set<FetchedPartition*, Less> addedOnce;
  for (auto& change : changes) {
    auto found = known.find(&change);
    if (found == known.end()) {
      if (addedOnce.insert(&change).second) added.add(change);
      continue;
    }
    (*found)->currentLeaderEpoch = change.currentLeaderEpoch;
    (*found)->fetchOffset = change.fetchOffset;
    (*found)->lastFetchedEpoch = change.lastFetchedEpoch;
    (*found)->bytesMax = change.bytesMax;
  }
  for (auto& one : added)
    partitions.add(kj::mv(one));
}

void FetchSession::forget(const kj::Vector<FetchedPartition>& gone) {
  if (gone.size() == 0) return;
  std::set<const FetchedPartition*, Less> set;
  for (auto& one : gone)
    set.insert(&one);
  kj::Vector<FetchedPartition> kept(partitions.size());
  for (auto& known : partitions) {
    if (set.count(&known) == 0) kept.add(kj::mv(known));
  }
  partitions = kj::mv(kept);
}

void FetchSession::rotate(const kj::Vector<bool>& served) {
  kj::Vector<FetchedPartition> turned(partitions.size());
  for (bool wasServed : {false, true}) {
    for (size_t i = 0; i < partitions.size(); ++i)
      if (served[i] == wasServed) turned.add(kj::mv(partitions[i]));
  }
  partitions = kj::mv(turned);
}

bool FetchSessions::makeRoom(int64_t nowMs, size_t partitions) {
  size_t held = partitionsHeld();
  while (sessions_.size() >= sessionsMax_ || held + partitions > kPartitionsMax) {
    if (sessions_.empty() || nowMs - sessions_.front().usedAtMs < kUnusedMsMin) return false;
    held -= sessions_.front().partitions.size();
    remove(sessions_.front().id);
  }
  return true;
}

size_t FetchSessions::partitionsHeld() const {
  size_t held = 0;
  for (auto& session : sessions_)
    held += session.partitions.size();
  return held;
}

FetchSession* FetchSessions::create(int64_t nowMs, size_t partitions) {
  if (partitions > kPartitionsPerSessionMax || !makeRoom(nowMs, partitions)) return nullptr;
  int32_t id = 0;
  do {
    kj::byte bytes[sizeof(id)];
    entropy_.generate(bytes);
    memcpy(&id, bytes, sizeof(id));
    id &= 0x7fffffff;
  } while (id == 0 || byId_.count(id) > 0);
  auto& session = sessions_.emplace_back();
  session.id = id;
  session.usedAtMs = nowMs;
  byId_.emplace(id, std::prev(sessions_.end()));
  return &session;
}

FetchSession* FetchSessions::find(int32_t id, int64_t nowMs) {
  auto found = byId_.find(id);
  if (found == byId_.end()) return nullptr;
  sessions_.splice(sessions_.end(), sessions_, found->second);
  found->second->usedAtMs = nowMs;
  return &*found->second;
}

void FetchSessions::remove(int32_t id) {
  auto found = byId_.find(id);
  if (found == byId_.end()) return;
  sessions_.erase(found->second);
  byId_.erase(found);
}

}  // namespace cambium::kafka
