#include "server/kafka/error_code.h"

namespace cambium::kafka {

int16_t wireCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknown:
      return -1;
    case ErrorCode::kOffsetOutOfRange:
      return 1;
    case ErrorCode::kCorruptMessage:
      return 2;
    case ErrorCode::kUnknownTopicOrPartition:
      return 3;
    case ErrorCode::kNotLeaderOrFollower:
      return 6;
    case ErrorCode::kRequestTimedOut:
      return 7;
    case ErrorCode::kMessageTooLarge:
      return 10;
    case ErrorCode::kInvalidTopic:
      return 17;
    case ErrorCode::kInvalidRequiredAcks:
      return 21;
    case ErrorCode::kInvalidTimestamp:
      return 32;
    case ErrorCode::kUnsupportedVersion:
      return 35;
    case ErrorCode::kTopicAlreadyExists:
      return 36;
    case ErrorCode::kInvalidPartitions:
      return 37;
    case ErrorCode::kInvalidReplicationFactor:
      return 38;
    case ErrorCode::kInvalidConfig:
      return 40;
    case ErrorCode::kInvalidRequest:
      return 42;
    case ErrorCode::kPolicyViolation:
      return 44;
    case ErrorCode::kStorageError:
      return 56;
    case ErrorCode::kGroupIdNotFound:
      return 69;
    case ErrorCode::kInvalidGroupId:
      return 24;
    case ErrorCode::kOffsetMetadataTooLarge:
      return 12;
    case ErrorCode::kUnsupportedCompressionType:
      return 76;
    case ErrorCode::kInvalidRecord:
      return 87;
    case ErrorCode::kThrottlingQuotaExceeded:
      return 89;
    case ErrorCode::kBrokerNotAvailable:
      return 8;
    case ErrorCode::kClusterAuthorizationFailed:
      return 31;
    case ErrorCode::kUnknownTopicId:
      return 100;
    case ErrorCode::kInconsistentTopicId:
      return 103;
    case ErrorCode::kUnknownLeaderEpoch:
      return 75;
    case ErrorCode::kFencedLeaderEpoch:
      return 74;
    case ErrorCode::kFetchSessionIdNotFound:
      return 70;
    case ErrorCode::kInvalidFetchSessionEpoch:
      return 71;
    case ErrorCode::kCoordinatorLoadInProgress:
      return 14;
    case ErrorCode::kCoordinatorNotAvailable:
      return 15;
    case ErrorCode::kNotCoordinator:
      return 16;
    case ErrorCode::kIllegalGeneration:
      return 22;
    case ErrorCode::kInconsistentGroupProtocol:
      return 23;
    case ErrorCode::kUnknownMemberId:
      return 25;
    case ErrorCode::kInvalidSessionTimeout:
      return 26;
    case ErrorCode::kRebalanceInProgress:
      return 27;
    case ErrorCode::kInvalidCommitOffsetSize:
      return 28;
    case ErrorCode::kGroupMaxSizeReached:
      return 81;
    case ErrorCode::kFencedInstanceId:
      return 82;
    case ErrorCode::kMemberIdRequired:
      return 79;
    case ErrorCode::kNonEmptyGroup:
      return 68;
    case ErrorCode::kGroupSubscribedToTopic:
      return 86;
    case ErrorCode::kOutOfOrderSequenceNumber:
      return 45;
    case ErrorCode::kDuplicateSequenceNumber:
      return 46;
    case ErrorCode::kInvalidProducerEpoch:
      return 47;
    case ErrorCode::kUnknownProducerId:
      return 59;
    case ErrorCode::kProducerFenced:
      return 90;
    case ErrorCode::kInvalidTransactionTimeout:
      return 50;
    case ErrorCode::kInvalidTxnState:
      return 48;
    case ErrorCode::kTransactionalIdNotFound:
      return 105;
    case ErrorCode::kInvalidReplicaAssignment:
      return 39;
    case ErrorCode::kReplicaNotAvailable:
      return 9;
    case ErrorCode::kNotController:
      return 41;
    case ErrorCode::kElectionNotNeeded:
      return 84;
    case ErrorCode::kPreferredLeaderNotAvailable:
      return 80;
    case ErrorCode::kNoReassignmentInProgress:
      return 85;
    case ErrorCode::kInvalidUpdateVersion:
      return 95;
    case ErrorCode::kFeatureUpdateFailed:
      return 96;
    case ErrorCode::kUnsupportedForMessageFormat:
      return 43;
    case ErrorCode::kSecurityDisabled:
      return 54;
    case ErrorCode::kTopicDeletionDisabled:
      return 73;
    case ErrorCode::kUnstableOffsetCommit:
      return 88;
    case ErrorCode::kResourceNotFound:
      return 91;
    case ErrorCode::kDuplicateResource:
      return 92;
    case ErrorCode::kIneligibleReplica:
      return 107;
    case ErrorCode::kGroupAuthorizationFailed:
      return 30;
    case ErrorCode::kTopicAuthorizationFailed:
      return 29;
  }
  KJ_UNREACHABLE;
}

int16_t wireCode(const kj::Maybe<Error>& error) {
  KJ_IF_MAYBE(e, error) return wireCode(e->code);
  return kNoError;
}

kj::Maybe<Text> wireMessage(const kj::Maybe<Error>& error) {
  KJ_IF_MAYBE(e, error) return Text(kj::str(e->message));
  return nullptr;
}

}  // namespace cambium::kafka
