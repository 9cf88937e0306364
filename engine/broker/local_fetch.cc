#include "engine/base/coroutine.h"
#include "engine/broker/local_broker.h"
#include "engine/broker/shard_calls.h"

// Reads of several partitions, which may lie on several loops: one message to each loop and one back.

namespace cambium {

namespace {

using Outcomes = kj::Vector<Result<ReadOutcome>>;

// What one loop is asked for, and where its answers go.
struct Group {
  Shard* shard;
  kj::Vector<FetchWish::Part> parts;
  kj::Vector<size_t> places;
};

}  // namespace

kj::Promise<Outcomes> LocalBroker::readParts(kj::ArrayPtr<const FetchWish::Part> parts, Bytes bytesMax) {
  if (shared_.shards.size() == 1) co_return co_await readPartsHere(here_, parts, bytesMax);
  kj::Vector<Group> groups;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto& shard = owner(parts[i].key);
    Group* group = nullptr;
    for (auto& known : groups)
      if (known.shard == &shard) group = &known;
    if (group == nullptr) group = &groups.add(Group{&shard, {}, {}});
    group->parts.add(parts[i]);
    group->places.add(i);
  }
  // What a loop has read may turn out to be too much beside what others have: none goes far beyond its part.
  constexpr uint64_t kPartBytesMin = 4 << 20;
  auto each = kj::min(bytesMax, Bytes(kj::max(kPartBytesMin, bytesMax.value() / kj::max(groups.size(), size_t{1}))));
  kj::Vector<kj::Promise<Outcomes>> asked;
  for (auto& group : groups) {
    asked.add(
        on<Outcomes>(*group.shard, [shard = group.shard, parts = kj::mv(group.parts), each]() -> kj::Promise<Outcomes> {
          return readPartsHere(*shard, parts, each);
        }));
  }
  kj::Vector<kj::Maybe<Result<ReadOutcome>>> placed;
  placed.resize(parts.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    auto outcomes = co_await asked[g];
    for (size_t i = 0; i < outcomes.size(); ++i)
      placed[groups[g].places[i]] = kj::mv(outcomes[i]);
  }
  // Each loop kept to the limit by itself; together they do so as well.
  Outcomes all(parts.size());
  uint64_t left = bytesMax.value();
  bool first = true;
  for (size_t i = 0; i < placed.size(); ++i) {
    auto& outcome = KJ_ASSERT_NONNULL(placed[i]);
    if (outcome.ok()) {
      auto& read = outcome.value();
      if (!first && read.batches.size() > left) {
        read.batches = nullptr;
        read.nextOffset = parts[i].from;
      }
      if (read.batches.size() > 0) first = false;
      left -= kj::min(left, read.batches.size());
    }
    all.add(kj::mv(outcome));
  }
  co_return all;
}

kj::Promise<void> LocalBroker::whenAnyReadable(kj::Vector<FetchWish::Part> parts) {
  kj::Vector<Group> groups;
  for (auto& part : parts) {
    auto& shard = owner(part.key);
    Group* group = nullptr;
    for (auto& known : groups)
      if (known.shard == &shard) group = &known;
    if (group == nullptr) group = &groups.add(Group{&shard, {}, {}});
    group->parts.add(part);
  }
  kj::Promise<void> any = kj::NEVER_DONE;
  for (auto& group : groups) {
    any = any.exclusiveJoin(on<bool>(*group.shard, [shard = group.shard, parts = kj::mv(group.parts)]() mutable {
                              return whenAnyReadableHere(*shard, kj::mv(parts)).then([] { return true; });
                            }).ignoreResult());
  }
  return any;
}

kj::Promise<Outcomes> LocalBroker::readWithinRoom(const FetchWish& wish) {
  FetchRoom* room = nullptr;
  KJ_IF_MAYBE(given, wish.room) room = given;
  if (room == nullptr) co_return co_await readParts(wish.parts, wish.bytesMax);
  uint64_t asked = 0;
  for (auto& part : wish.parts)
    asked += part.bytesMax.value();
  auto most = kj::min(wish.bytesMax, Bytes(asked));
  auto least = kj::min(most, kibibytes(256));
  for (;;) {
    auto granted = co_await room->take(kj::max(most, least), least);
    auto outcomes = co_await readParts(wish.parts, kj::min(granted, wish.bytesMax));
    uint64_t found = 0;
    for (auto& outcome : outcomes)
      if (outcome.ok()) found += outcome.value().batches.size();
    if (room->keep(Bytes(found))) co_return kj::mv(outcomes);
    // It was one large batch. It goes, and is read again when there is room for all of it.
    least = Bytes(found);
  }
}

kj::Promise<Outcomes> LocalBroker::fetch(FetchWish wish) {
  // Nothing would ever come.
  if (wish.parts.size() == 0) co_return Outcomes();
  auto& timer = here_.loop().timer;
  auto begun = timer.now();
  auto deadline = begun + wish.waitMsMax * kj::MILLISECONDS;
  for (bool first = true;; first = false) {
    kj::Vector<FetchWish::Part> awaited(wish.parts.size());
    auto until = deadline;
    {
      // What was read goes before the wait: many long polls that each hold batches would be much memory.
      auto outcomes = co_await readWithinRoom(wish);
      uint64_t found = 0;
      bool final = false;   // failed, diverging, or cut off by a limit: there is more than may be sent at once
      bool unseen = false;  // something was acknowledged that cannot be read yet
      for (size_t i = 0; i < outcomes.size(); ++i) {
        if (!outcomes[i].ok()) {
          final = true;
          break;
        }
        auto& read = outcomes[i].value();
        found += read.batches.size();
        final |= read.diverging != nullptr;
        final |= read.batches.size() > 0 && read.nextOffset < read.highWatermark;
        auto& part = wish.parts[i];
        unseen |= read.acknowledged > kj::max(read.highWatermark, part.from);
        awaited.add(FetchWish::Part{part.key, kj::max(read.highWatermark, part.from), part.bytesMax, kNoLeaderEpoch});
      }
      bool enough = found >= kj::min(wish.bytesMin, wish.bytesMax).value();
      if (first && unseen && found == 0 && !final) {
        // The client of these records shall find them, however short it waits.
        until = kj::max(deadline, begun + kAcknowledgedWaitMs * kj::MILLISECONDS);
      } else if (final || enough || wish.waitMsMax <= 0 || timer.now() >= deadline) {
        co_return kj::mv(outcomes);
      }
    }
    KJ_IF_MAYBE(room, wish.room) room->keep(Bytes(0));
    co_await whenAnyReadable(kj::mv(awaited)).exclusiveJoin(timer.atTime(until));
    // A client that wants many bytes would have all of them read anew for each record that comes.
    constexpr auto kPause = 5 * kj::MILLISECONDS;
    if (wish.bytesMin.value() > 1) co_await timer.atTime(kj::min(timer.now() + kPause, until));
  }
}

}  // namespace cambium
