#pragma once

#include <cstdint>

#include <kj/debug.h>
#include <kj/one-of.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace cambium {

// What a client can be told when an operation was understood but not done. The names are those of the Kafka protocol
// (https://kafka.apache.org/protocol#protocol_error_codes), the numbers are ours: each door translates in one place.
// X(enumerant, NAME)
#define CAMBIUM_ERROR_CODES(X)                                    \
  X(kUnknown, UNKNOWN_SERVER_ERROR)                               \
  X(kOffsetOutOfRange, OFFSET_OUT_OF_RANGE)                       \
  X(kCorruptMessage, CORRUPT_MESSAGE)                             \
  X(kUnknownTopicOrPartition, UNKNOWN_TOPIC_OR_PARTITION)         \
  X(kNotLeaderOrFollower, NOT_LEADER_OR_FOLLOWER)                 \
  X(kRequestTimedOut, REQUEST_TIMED_OUT)                          \
  X(kMessageTooLarge, MESSAGE_TOO_LARGE)                          \
  X(kInvalidTopic, INVALID_TOPIC_EXCEPTION)                       \
  X(kInvalidRequiredAcks, INVALID_REQUIRED_ACKS)                  \
  X(kInvalidTimestamp, INVALID_TIMESTAMP)                         \
  X(kUnsupportedVersion, UNSUPPORTED_VERSION)                     \
  X(kTopicAlreadyExists, TOPIC_ALREADY_EXISTS)                    \
  X(kInvalidPartitions, INVALID_PARTITIONS)                       \
  X(kInvalidReplicationFactor, INVALID_REPLICATION_FACTOR)        \
  X(kInvalidConfig, INVALID_CONFIG)                               \
  X(kInvalidRequest, INVALID_REQUEST)                             \
  X(kPolicyViolation, POLICY_VIOLATION)                           \
  X(kStorageError, KAFKA_STORAGE_ERROR)                           \
  X(kGroupIdNotFound, GROUP_ID_NOT_FOUND)                         \
  X(kInvalidGroupId, INVALID_GROUP_ID)                            \
  X(kOffsetMetadataTooLarge, OFFSET_METADATA_TOO_LARGE)           \
  X(kUnsupportedCompressionType, UNSUPPORTED_COMPRESSION_TYPE)    \
  X(kInvalidRecord, INVALID_RECORD)                               \
  X(kThrottlingQuotaExceeded, THROTTLING_QUOTA_EXCEEDED)          \
  X(kBrokerNotAvailable, BROKER_NOT_AVAILABLE)                    \
  X(kClusterAuthorizationFailed, CLUSTER_AUTHORIZATION_FAILED)    \
  X(kUnknownTopicId, UNKNOWN_TOPIC_ID)                            \
  X(kInconsistentTopicId, INCONSISTENT_TOPIC_ID)                  \
  X(kUnknownLeaderEpoch, UNKNOWN_LEADER_EPOCH)                    \
  X(kFencedLeaderEpoch, FENCED_LEADER_EPOCH)                      \
  X(kFetchSessionIdNotFound, FETCH_SESSION_ID_NOT_FOUND)          \
  X(kInvalidFetchSessionEpoch, INVALID_FETCH_SESSION_EPOCH)       \
  X(kCoordinatorLoadInProgress, COORDINATOR_LOAD_IN_PROGRESS)     \
  X(kCoordinatorNotAvailable, COORDINATOR_NOT_AVAILABLE)          \
  X(kNotCoordinator, NOT_COORDINATOR)                             \
  X(kIllegalGeneration, ILLEGAL_GENERATION)                       \
  X(kInconsistentGroupProtocol, INCONSISTENT_GROUP_PROTOCOL)      \
  X(kUnknownMemberId, UNKNOWN_MEMBER_ID)                          \
  X(kInvalidSessionTimeout, INVALID_SESSION_TIMEOUT)              \
  X(kRebalanceInProgress, REBALANCE_IN_PROGRESS)                  \
  X(kInvalidCommitOffsetSize, INVALID_COMMIT_OFFSET_SIZE)         \
  X(kGroupMaxSizeReached, GROUP_MAX_SIZE_REACHED)                 \
  X(kFencedInstanceId, FENCED_INSTANCE_ID)                        \
  X(kMemberIdRequired, MEMBER_ID_REQUIRED)                        \
  X(kNonEmptyGroup, NON_EMPTY_GROUP)                              \
  X(kGroupSubscribedToTopic, GROUP_SUBSCRIBED_TO_TOPIC)           \
  X(kOutOfOrderSequenceNumber, OUT_OF_ORDER_SEQUENCE_NUMBER)      \
  X(kDuplicateSequenceNumber, DUPLICATE_SEQUENCE_NUMBER)          \
  X(kInvalidProducerEpoch, INVALID_PRODUCER_EPOCH)                \
  X(kUnknownProducerId, UNKNOWN_PRODUCER_ID)                      \
  X(kProducerFenced, PRODUCER_FENCED)                             \
  X(kInvalidTransactionTimeout, INVALID_TRANSACTION_TIMEOUT)      \
  X(kInvalidTxnState, INVALID_TXN_STATE)                          \
  X(kTransactionalIdNotFound, TRANSACTIONAL_ID_NOT_FOUND)         \
  X(kInvalidReplicaAssignment, INVALID_REPLICA_ASSIGNMENT)        \
  X(kReplicaNotAvailable, REPLICA_NOT_AVAILABLE)                  \
  X(kNotController, NOT_CONTROLLER)                               \
  X(kElectionNotNeeded, ELECTION_NOT_NEEDED)                      \
  X(kPreferredLeaderNotAvailable, PREFERRED_LEADER_NOT_AVAILABLE) \
  X(kNoReassignmentInProgress, NO_REASSIGNMENT_IN_PROGRESS)       \
  X(kInvalidUpdateVersion, INVALID_UPDATE_VERSION)                \
  X(kFeatureUpdateFailed, FEATURE_UPDATE_FAILED)                  \
  X(kUnsupportedForMessageFormat, UNSUPPORTED_FOR_MESSAGE_FORMAT) \
  X(kSecurityDisabled, SECURITY_DISABLED)                         \
  X(kTopicDeletionDisabled, TOPIC_DELETION_DISABLED)              \
  X(kUnstableOffsetCommit, UNSTABLE_OFFSET_COMMIT)                \
  X(kResourceNotFound, RESOURCE_NOT_FOUND)                        \
  X(kDuplicateResource, DUPLICATE_RESOURCE)                       \
  X(kIneligibleReplica, INELIGIBLE_REPLICA)                       \
  X(kGroupAuthorizationFailed, GROUP_AUTHORIZATION_FAILED)        \
  X(kTopicAuthorizationFailed, TOPIC_AUTHORIZATION_FAILED)

enum class ErrorCode : int16_t {
#define CAMBIUM_X(enumerant, name) enumerant,
  CAMBIUM_ERROR_CODES(CAMBIUM_X)
#undef CAMBIUM_X
};

// The protocol's name of a code, for example "OFFSET_OUT_OF_RANGE". Lives for ever.
kj::StringPtr errorName(ErrorCode code);

// What is wrong with one record of a batch that was refused (KIP-467).
struct RecordFault {
  int32_t index;  // of the record in its batch, from 0
  kj::String message;

  RecordFault clone() const { return {index, kj::str(message)}; }
};

// An expected failure: a value, never thrown. The message is for people: it names the topic, file, flag or offset, says
// what was expected and what to do.
struct Error {
  ErrorCode code;
  kj::String message;
  // Of refused appends, when single records are to blame; the others of their batch were refused with them.
  kj::Vector<RecordFault> faults{};

  Error clone() const;
};

inline kj::String KJ_STRINGIFY(const Error& error) {
  return kj::str(errorName(error.code), ": ", error.message);
}

// Makes an Error whose message is the concatenation of `parts`, as kj::str does.
template <class... Parts>
Error makeError(ErrorCode code, Parts&&... parts) {
  return {.code = code, .message = kj::str(kj::fwd<Parts>(parts)...)};
}

// Either a T or an Error. Asking for the one that is not there is a bug and throws.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(kj::mv(value)) {}
  Result(Error error) : content_(kj::mv(error)) {}

  bool ok() const { return content_.template is<T>(); }
  T& value() {
    requireOk();
    return content_.template get<T>();
  }
  const T& value() const {
    requireOk();
    return content_.template get<T>();
  }
  Error& error() { return content_.template get<Error>(); }
  const Error& error() const { return content_.template get<Error>(); }

 private:
  void requireOk() const {
    if (!ok()) KJ_FAIL_ASSERT("value() of a failed result", content_.template get<Error>());
  }
  kj::OneOf<T, Error> content_;
};

// A Result that carries nothing but success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(kj::mv(error)) {}

  bool ok() const { return error_ == nullptr; }
  Error& error() { return KJ_ASSERT_NONNULL(error_); }
  const Error& error() const { return KJ_ASSERT_NONNULL(error_); }

 private:
  kj::Maybe<Error> error_;
};

}  // namespace cambium
