#include "server/kafka/error_code.h"

namespace cambium::kafka {

namespace {

struct Number {
  ErrorCode code;
  int16_t number;
};

// In the order of ErrorCode.
constexpr Number kNumbers[] = {
    {ErrorCode::kUnknown, -1},
    {ErrorCode::kOffsetOutOfRange, 1},
    {ErrorCode::kCorruptMessage, 2},
    {ErrorCode::kUnknownTopicOrPartition, 3},
    {ErrorCode::kNotLeaderOrFollower, 6},
    {ErrorCode::kRequestTimedOut, 7},
    {ErrorCode::kMessageTooLarge, 10},
    {ErrorCode::kInvalidTopic, 17},
    {ErrorCode::kInvalidRequiredAcks, 21},
    {ErrorCode::kInvalidTimestamp, 32},
    {ErrorCode::kUnsupportedVersion, 35},
    {ErrorCode::kTopicAlreadyExists, 36},
    {ErrorCode::kInvalidPartitions, 37},
    {ErrorCode::kInvalidReplicationFactor, 38},
    {ErrorCode::kInvalidConfig, 40},
    {ErrorCode::kInvalidRequest, 42},
    {ErrorCode::kPolicyViolation, 44},
    {ErrorCode::kStorageError, 56},
    {ErrorCode::kGroupIdNotFound, 69},
    {ErrorCode::kInvalidGroupId, 24},
    {ErrorCode::kOffsetMetadataTooLarge, 12},
    {ErrorCode::kUnsupportedCompressionType, 76},
    {ErrorCode::kInvalidRecord, 87},
    {ErrorCode::kThrottlingQuotaExceeded, 89},
    {ErrorCode::kBrokerNotAvailable, 8},
    {ErrorCode::kClusterAuthorizationFailed, 31},
    {ErrorCode::kUnknownTopicId, 100},
    {ErrorCode::kInconsistentTopicId, 103},
    {ErrorCode::kUnknownLeaderEpoch, 75},
    {ErrorCode::kFencedLeaderEpoch, 74},
    {ErrorCode::kFetchSessionIdNotFound, 70},
    {ErrorCode::kInvalidFetchSessionEpoch, 71},
    {ErrorCode::kCoordinatorLoadInProgress, 14},
    {ErrorCode::kCoordinatorNotAvailable, 15},
    {ErrorCode::kNotCoordinator, 16},
    {ErrorCode::kIllegalGeneration, 22},
    {ErrorCode::kInconsistentGroupProtocol, 23},
    {ErrorCode::kUnknownMemberId, 25},
    {ErrorCode::kInvalidSessionTimeout, 26},
    {ErrorCode::kRebalanceInProgress, 27},
    {ErrorCode::kInvalidCommitOffsetSize, 28},
    {ErrorCode::kGroupMaxSizeReached, 81},
    {ErrorCode::kFencedInstanceId, 82},
    {ErrorCode::kMemberIdRequired, 79},
    {ErrorCode::kNonEmptyGroup, 68},
    {ErrorCode::kGroupSubscribedToTopic, 86},
    {ErrorCode::kOutOfOrderSequenceNumber, 45},
    {ErrorCode::kDuplicateSequenceNumber, 46},
    {ErrorCode::kInvalidProducerEpoch, 47},
    {ErrorCode::kUnknownProducerId, 59},
    {ErrorCode::kProducerFenced, 90},
    {ErrorCode::kInvalidTransactionTimeout, 50},
    {ErrorCode::kInvalidTxnState, 48},
    {ErrorCode::kTransactionalIdNotFound, 105},
    {ErrorCode::kInvalidReplicaAssignment, 39},
    {ErrorCode::kReplicaNotAvailable, 9},
    {ErrorCode::kNotController, 41},
    {ErrorCode::kElectionNotNeeded, 84},
    {ErrorCode::kPreferredLeaderNotAvailable, 80},
    {ErrorCode::kNoReassignmentInProgress, 85},
    {ErrorCode::kInvalidUpdateVersion, 95},
    {ErrorCode::kFeatureUpdateFailed, 96},
    {ErrorCode::kUnsupportedForMessageFormat, 43},
    {ErrorCode::kSecurityDisabled, 54},
    {ErrorCode::kTopicDeletionDisabled, 73},
    {ErrorCode::kUnstableOffsetCommit, 88},
    {ErrorCode::kResourceNotFound, 91},
    {ErrorCode::kDuplicateResource, 92},
    {ErrorCode::kIneligibleReplica, 107},
    {ErrorCode::kGroupAuthorizationFailed, 30},
    {ErrorCode::kTopicAuthorizationFailed, 29},
};

constexpr bool inOrder() {
  size_t count = 0;
  for (auto& one : kNumbers) {
    if (static_cast<size_t>(one.code) != count++) return false;
  }
#define CAMBIUM_X(enumerant, name) -1
  return static_cast<int>(count) CAMBIUM_ERROR_CODES(CAMBIUM_X) == 0;
#undef CAMBIUM_X
}
static_assert(inOrder(), "an error code has no number, or not in its place");

}  // namespace

int16_t wireCode(ErrorCode code) {
  return kNumbers[static_cast<size_t>(code)].number;
}

int16_t wireCode(const kj::Maybe<Error>& error) {
  KJ_IF_MAYBE(e, error) return wireCode(e->code);
  return kNoError;
}

Text wireMessage(const Error& error) {
  // Some of it may be what the client sent, which may be as long as a text can be.
  constexpr size_t kMessageBytesMax = 512;
  return Text(kj::heapString(error.message.begin(), kj::min(error.message.size(), kMessageBytesMax)));
}

kj::Maybe<Text> wireMessage(const kj::Maybe<Error>& error) {
  KJ_IF_MAYBE(e, error) return wireMessage(*e);
  return nullptr;
}

}  // namespace cambium::kafka
