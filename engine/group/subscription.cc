#include "engine/group/subscription.h"

#include "engine/base/byte_cursor.h"

namespace cambium {

void addSubscribedTopics(ByteView subscription, std::set<std::string>& topics) {
  ByteReader in(subscription);
  if (in.int16() < 0) return;
  std::set<std::string> found;
  for (auto left = in.int32(); left > 0 && !in.failed(); --left) {
    auto size = in.int16();
    if (size < 0) return;
    auto name = in.bytes(static_cast<size_t>(size));
    found.emplace(reinterpret_cast<const char*>(name.begin()), name.size());
  }
  if (!in.failed()) topics.merge(found);
}

}  // namespace cambium
