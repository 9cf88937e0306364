#include "server/kafka/fetch_sessions.h"

#include <cstring>

namespace cambium::kafka {

namespace {

// As Kafka: a session that was used within this time is not given up for a new one.
constexpr int64_t kUnusedMsMin = 120'000;
// Over all sessions of a loop.
constexpr size_t kPartitionsMax = 500'000;

}  // namespace

void FetchSession::put(FetchedPartition partition) {
  for (auto& known : partitions) {
    if (!known.sameAs(partition)) continue;
    known.currentLeaderEpoch = partition.currentLeaderEpoch;
    known.fetchOffset = partition.fetchOffset;
    known.bytesMax = partition.bytesMax;
    return;
  }
  partitions.add(kj::mv(partition));
}

void FetchSession::forget(const FetchedPartition& partition) {
  kj::Vector<FetchedPartition> kept(partitions.size());
  for (auto& known : partitions)
    if (!known.sameAs(partition)) kept.add(kj::mv(known));
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
  size_t held = 0;
  for (auto& session : sessions_)
    held += session.partitions.size();
  while (sessions_.size() >= sessionsMax_ || held + partitions > kPartitionsMax) {
    if (sessions_.empty() || nowMs - sessions_.front().usedAtMs < kUnusedMsMin) return false;
    held -= sessions_.front().partitions.size();
    remove(sessions_.front().id);
  }
  return true;
}

FetchSession* FetchSessions::create(int64_t nowMs, size_t partitions) {
  if (!makeRoom(nowMs, partitions)) return nullptr;
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
