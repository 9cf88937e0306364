#include "server/door/door_counts.h"

namespace cambium {

size_t DoorCounts::enter(uint64_t client) {
  std::lock_guard lock(mutex_);
  return ++byClient_[client];
}

void DoorCounts::leave(uint64_t client) {
  std::lock_guard lock(mutex_);
  auto found = byClient_.find(client);
  if (--found->second == 0) byClient_.erase(found);
}

}  // namespace cambium
