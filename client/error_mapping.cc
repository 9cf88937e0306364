#include "client/error_mapping.h"

namespace cambium::client {
namespace {

struct Pair {
  rpc::ErrorCode theirs;
  ErrorCode ours;
};

constexpr Pair kPairs[] = {
    {rpc::ErrorCode::UNKNOWN_SERVER_ERROR, ErrorCode::kUnknown},
    {rpc::ErrorCode::OFFSET_OUT_OF_RANGE, ErrorCode::kOffsetOutOfRange},
    {rpc::ErrorCode::CORRUPT_MESSAGE, ErrorCode::kCorruptMessage},
    {rpc::ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, ErrorCode::kUnknownTopicOrPartition},
    {rpc::ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::kNotLeaderOrFollower},
    {rpc::ErrorCode::REQUEST_TIMED_OUT, ErrorCode::kRequestTimedOut},
    {rpc::ErrorCode::MESSAGE_TOO_LARGE, ErrorCode::kMessageTooLarge},
    {rpc::ErrorCode::INVALID_TOPIC_EXCEPTION, ErrorCode::kInvalidTopic},
    {rpc::ErrorCode::INVALID_REQUIRED_ACKS, ErrorCode::kInvalidRequiredAcks},
    {rpc::ErrorCode::INVALID_TIMESTAMP, ErrorCode::kInvalidTimestamp},
    {rpc::ErrorCode::UNSUPPORTED_VERSION, ErrorCode::kUnsupportedVersion},
    {rpc::ErrorCode::TOPIC_ALREADY_EXISTS, ErrorCode::kTopicAlreadyExists},
    {rpc::ErrorCode::INVALID_PARTITIONS, ErrorCode::kInvalidPartitions},
    {rpc::ErrorCode::INVALID_REPLICATION_FACTOR, ErrorCode::kInvalidReplicationFactor},
    {rpc::ErrorCode::INVALID_CONFIG, ErrorCode::kInvalidConfig},
    {rpc::ErrorCode::INVALID_REQUEST, ErrorCode::kInvalidRequest},
    {rpc::ErrorCode::POLICY_VIOLATION, ErrorCode::kPolicyViolation},
    {rpc::ErrorCode::KAFKA_STORAGE_ERROR, ErrorCode::kStorageError},
    {rpc::ErrorCode::GROUP_ID_NOT_FOUND, ErrorCode::kGroupIdNotFound},
    {rpc::ErrorCode::INVALID_GROUP_ID, ErrorCode::kInvalidGroupId},
    {rpc::ErrorCode::OFFSET_METADATA_TOO_LARGE, ErrorCode::kOffsetMetadataTooLarge},
    {rpc::ErrorCode::UNSUPPORTED_COMPRESSION_TYPE, ErrorCode::kUnsupportedCompressionType},
    {rpc::ErrorCode::INVALID_RECORD, ErrorCode::kInvalidRecord},
    {rpc::ErrorCode::THROTTLING_QUOTA_EXCEEDED, ErrorCode::kThrottlingQuotaExceeded},
    {rpc::ErrorCode::BROKER_NOT_AVAILABLE, ErrorCode::kBrokerNotAvailable},
    {rpc::ErrorCode::CLUSTER_AUTHORIZATION_FAILED, ErrorCode::kClusterAuthorizationFailed},
};

}  // namespace

kj::Maybe<Error> errorIn(rpc::Error::Reader error) {
  auto code = error.getCode();
  if (code == rpc::ErrorCode::NONE) return nullptr;
  for (auto& pair : kPairs) {
    if (pair.theirs == code) return Error{pair.ours, kj::str(error.getMessage())};
  }
  return makeError(ErrorCode::kUnknown, error.getMessage(), " (error code ", static_cast<uint16_t>(code),
                   " of a later version of the API)");
}

Error errorFrom(const kj::Exception& e) {
  using Type = kj::Exception::Type;
  auto code = ErrorCode::kUnknown;
  if (e.getType() == Type::DISCONNECTED) code = ErrorCode::kBrokerNotAvailable;
  if (e.getType() == Type::OVERLOADED) code = ErrorCode::kThrottlingQuotaExceeded;
  if (e.getType() == Type::UNIMPLEMENTED) code = ErrorCode::kUnsupportedVersion;
  return makeError(code, e.getDescription());
}

bool isRetryable(ErrorCode code) {
  switch (code) {
    case ErrorCode::kStorageError:
    case ErrorCode::kNotLeaderOrFollower:
    case ErrorCode::kRequestTimedOut:
    case ErrorCode::kThrottlingQuotaExceeded:
    case ErrorCode::kBrokerNotAvailable:
      return true;
    default:
      return false;
  }
}

}  // namespace cambium::client
