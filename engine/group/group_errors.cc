#include "engine/group/group_errors.h"

namespace cambium {

namespace {

kj::StringPtr shown(const std::string& id) {
  return id.empty() ? "(no id)"_kj : kj::StringPtr(id.c_str());
}

}  // namespace

Error noGroupId() {
  return makeError(ErrorCode::kInvalidGroupId, "the group id is empty; give group.id a name");
}

Error groupIsDead(const std::string& group) {
  return makeError(ErrorCode::kCoordinatorNotAvailable, "group ", group.c_str(),
                   " is not held here any more; find its coordinator again");
}

Error unknownMember(const std::string& group, const std::string& member) {
  return makeError(ErrorCode::kUnknownMemberId, "group ", group.c_str(), " has no member ", shown(member),
                   "; join again without a member id");
}

Error fencedInstance(const std::string& group, const std::string& instance, const std::string& member) {
  return makeError(ErrorCode::kFencedInstanceId, "instance ", instance.c_str(), " of group ", group.c_str(),
                   " has been taken over by another member than ", shown(member),
                   "; give each process a group.instance.id of its own");
}

Error illegalGeneration(const std::string& group, int32_t generation, int32_t current) {
  return makeError(ErrorCode::kIllegalGeneration, "generation ", generation, " of group ", group.c_str(),
                   " is over, it has generation ", current, "; join again");
}

Error rebalanceInProgress(const std::string& group) {
  return makeError(ErrorCode::kRebalanceInProgress, "group ", group.c_str(), " is rebalancing; join again");
}

Error groupIsFull(const std::string& group, size_t most) {
  return makeError(ErrorCode::kGroupMaxSizeReached, "group ", group.c_str(), " takes no more than ", most,
                   " members; wait until one has left");
}

Error forMembers(const Error& writing) {
  ErrorCode code = writing.code;
  switch (writing.code) {
    case ErrorCode::kUnknownTopicOrPartition:
    case ErrorCode::kRequestTimedOut:
      code = ErrorCode::kCoordinatorNotAvailable;
      break;
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kStorageError:
      code = ErrorCode::kNotCoordinator;
      break;
    case ErrorCode::kMessageTooLarge:
      code = ErrorCode::kUnknown;
      break;
    default:
      break;
  }
  return makeError(code, "the group could not be written: ", writing.message);
}

}  // namespace cambium
