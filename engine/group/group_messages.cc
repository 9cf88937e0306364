#include "engine/group/group_messages.h"

namespace cambium {

MemberIdentity MemberIdentity::clone() const {
  MemberIdentity copy{.group = group, .member = member, .generation = generation};
  KJ_IF_MAYBE(i, instance) copy.instance = *i;
  return copy;
}

kj::StringPtr groupStateName(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      return "Dead";
  }
  KJ_UNREACHABLE;
}

}  // namespace cambium
