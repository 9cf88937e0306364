#pragma once

#include "engine/group/group_messages.h"

namespace cambium {

// The refusals of a group, each worded in one place. "no id" stands for an empty member id.
Error noGroupId();
// The coordinator has given the group up: look for it again.
Error groupIsDead(const std::string& group);
Error unknownMember(const std::string& group, const std::string& member);
Error fencedInstance(const std::string& group, const std::string& instance, const std::string& member);
Error illegalGeneration(const std::string& group, int32_t generation, int32_t current);
Error rebalanceInProgress(const std::string& group);
Error groupIsFull(const std::string& group, size_t most);
// What members are told when the group could not be written (Kafka: GroupMetadataManager,
// appendGroupMetadataErrorToResponseError).
Error forMembers(const Error& writing);

}  // namespace cambium
