#include "engine/base/coroutine.h"
#include "engine/broker/local_broker.h"
#include "engine/broker/shard_calls.h"

// Appends to several partitions, which may lie on several loops: one message to each other loop and one back.

namespace cambium {

namespace {

using Outcomes = kj::Vector<Result<AppendOutcome>>;

// What one other loop is to append, in memory of its own.
struct Group {
  struct Part {
    PartitionKey key;
    kj::Array<kj::byte> batches;
  };
  Shard* shard;
  kj::Vector<Part> parts;
  kj::Vector<size_t> places;
};

kj::Promise<Outcomes> appendGroupHere(Shard& shard, kj::Vector<Group::Part> parts, Acks acks) {
  kj::Vector<kj::Promise<Result<AppendOutcome>>> begun(parts.size());
  for (auto& part : parts)
    begun.add(appendHere(shard, part.key, part.batches, acks));
  Outcomes outcomes(parts.size());
  for (auto& one : begun)
    outcomes.add(co_await one);
  co_return outcomes;
}

}  // namespace

kj::Promise<Outcomes> LocalBroker::appendAll(kj::ArrayPtr<const AppendPart> parts, Acks acks) {
  kj::Vector<kj::Maybe<kj::Promise<Result<AppendOutcome>>>> begun;
  begun.resize(parts.size());
  kj::Vector<Group> groups;
  for (size_t i = 0; i < parts.size(); ++i) {
    auto allowed = checkClientMayChange(parts[i].key);
    if (!allowed.ok()) {
      begun[i] = kj::Promise<Result<AppendOutcome>>(Result<AppendOutcome>(kj::mv(allowed.error())));
      continue;
    }
    auto& shard = owner(parts[i].key);
    if (&shard == &here_) {
      begun[i] = appendHere(shard, parts[i].key, parts[i].batches, acks);
      continue;
    }
    Group* group = nullptr;
    for (auto& known : groups)
      if (known.shard == &shard) group = &known;
    if (group == nullptr) group = &groups.add(Group{&shard, {}, {}});
    group->parts.add(Group::Part{parts[i].key, kj::heapArray<kj::byte>(parts[i].batches)});
    group->places.add(i);
  }
  kj::Vector<kj::Promise<Outcomes>> sent;
  for (auto& group : groups) {
    sent.add(on<Outcomes>(*group.shard, [shard = group.shard, parts = kj::mv(group.parts), acks]() mutable {
      return appendGroupHere(*shard, kj::mv(parts), acks);
    }));
  }
  kj::Vector<kj::Maybe<Result<AppendOutcome>>> placed;
  placed.resize(begun.size());
  for (size_t i = 0; i < begun.size(); ++i) {
    KJ_IF_MAYBE(promise, begun[i]) placed[i] = co_await *promise;
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    auto outcomes = co_await sent[g];
    for (size_t i = 0; i < outcomes.size(); ++i)
      placed[groups[g].places[i]] = kj::mv(outcomes[i]);
  }
  Outcomes all(placed.size());
  for (auto& outcome : placed)
    all.add(kj::mv(KJ_ASSERT_NONNULL(outcome)));
  co_return all;
}

}  // namespace cambium
