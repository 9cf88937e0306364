#pragma once

#include "engine/base/error.h"
#include "server/kafka/wire/value.h"

namespace cambium::kafka {

// The number of an error on the wire (https://kafka.apache.org/protocol#protocol_error_codes). The only place where
// they are made.
int16_t wireCode(ErrorCode code);
inline constexpr int16_t kNoError = 0;

// Errors that only this protocol has: nothing in the engine makes them.
namespace wire_code {
inline constexpr int16_t kLeaderNotAvailable = 5;
inline constexpr int16_t kUnsupportedSaslMechanism = 33;
inline constexpr int16_t kTransactionalIdAuthorizationFailed = 53;
inline constexpr int16_t kLogDirNotFound = 57;
inline constexpr int16_t kUnacceptableCredential = 93;
inline constexpr int16_t kFetchSessionTopicIdError = 106;
}  // namespace wire_code

// Of an outcome: 0 when there is none.
int16_t wireCode(const kj::Maybe<Error>& error);

// The message of an error as a nullable field; null when there is none, which older clients expect.
kj::Maybe<Text> wireMessage(const kj::Maybe<Error>& error);
Text wireMessage(const Error& error);

}  // namespace cambium::kafka
