#include "backends/native/index_cache.h"

namespace cambium {

namespace {
// What an entry costs beyond its indexes, about.
constexpr size_t kEntryOverheadBytes = 256;

uint64_t cost(const SealedIndexes& indexes) {
  return indexes.get().memoryBytes() + kEntryOverheadBytes;
}
}  // namespace

uint64_t IndexCache::newId() {
  return state_.lock()->nextId++;
}

kj::Maybe<kj::Own<const SealedIndexes>> IndexCache::get(uint64_t id) {
  auto state = state_.lock();
  auto found = state->byId.find(id);
  if (found == state->byId.end()) return nullptr;
  state->recent.splice(state->recent.begin(), state->recent, found->second);
  return kj::atomicAddRef(*found->second->indexes);
}

void IndexCache::put(uint64_t id, kj::Own<const SealedIndexes> indexes) {
  auto state = state_.lock();
  remove(*state, id);
  state->bytes += cost(*indexes);
  state->recent.push_front(Entry{id, kj::mv(indexes)});
  state->byId[id] = state->recent.begin();
  while (state->bytes > bytesMax_.value() && state->recent.size() > 1)
    remove(*state, state->recent.back().id);
}

void IndexCache::erase(uint64_t id) {
  remove(*state_.lock(), id);
}

Bytes IndexCache::size() const {
  return Bytes(state_.lock()->bytes);
}

void IndexCache::remove(State& state, uint64_t id) {
  auto found = state.byId.find(id);
  if (found == state.byId.end()) return;
  state.bytes -= cost(*found->second->indexes);
  state.recent.erase(found->second);
  state.byId.erase(found);
}

}  // namespace cambium
