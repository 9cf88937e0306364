#include "engine/metadata/topic_name.h"

namespace cambium {

namespace {

constexpr size_t kTopicNameBytesMax = 249;

bool isAllowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

Result<void> checkTopicName(kj::StringPtr name) {
  auto refuse = [&](auto&&... why) -> Result<void> {
    return makeError(ErrorCode::kInvalidTopic, kj::fwd<decltype(why)>(why)...);
  };
  if (name.size() == 0) return refuse("a topic name must not be empty");
  if (name == "." || name == "..") return refuse("a topic cannot be named \"", name, "\"");
  if (name.size() > kTopicNameBytesMax) {
    return refuse("the topic name has ", name.size(), " characters, at most ", kTopicNameBytesMax, " are allowed");
  }
  for (size_t i = 0; i < name.size(); ++i) {
    if (!isAllowed(name[i])) {
      return refuse("the topic name has a character at position ", i,
                    " that is not allowed; use a-z, A-Z, 0-9, '.', '_' and '-'");
    }
  }
  return Result<void>();
}

kj::String partitionName(kj::StringPtr topic, int32_t partition) {
  return kj::str(topic, '-', partition);
}

}  // namespace cambium
