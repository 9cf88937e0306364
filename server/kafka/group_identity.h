#pragma once

#include "engine/group/group_messages.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// Who a member of a group says it is, out of the fields of a request.
inline MemberIdentity identify(const Text& group, const Text& member, const kj::Maybe<Text>& instance,
                               int32_t generation) {
  MemberIdentity who{.group = group.str(), .member = member.str(), .generation = generation};
  KJ_IF_MAYBE(name, instance) who.instance = name->str();
  return who;
}

inline kj::Maybe<std::string> optional(const kj::Maybe<Text>& text) {
  return text.map([](const Text& t) { return t.str(); });
}

inline kj::Maybe<Text> optional(const kj::Maybe<std::string>& text) {
  return text.map([](const std::string& t) { return Text(t); });
}

}  // namespace cambium::kafka
