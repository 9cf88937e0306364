#include "client/error_mapping.h"

namespace cambium::client {
namespace {

struct Pair {
  rpc::ErrorCode theirs;
  ErrorCode ours;
};

constexpr Pair kPairs[] = {
#define CAMBIUM_X(enumerant, NAME) {rpc::ErrorCode::NAME, ErrorCode::enumerant},
    CAMBIUM_ERROR_CODES(CAMBIUM_X)
#undef CAMBIUM_X
};

}  // namespace

kj::Maybe<Error> errorIn(rpc::Error::Reader error) {
  auto code = error.getCode();
  if (code == rpc::ErrorCode::NONE) return nullptr;
  for (auto& pair : kPairs) {
    if (pair.theirs != code) continue;
    Error ours{.code = pair.ours, .message = kj::str(error.getMessage())};
    for (auto fault : error.getRecordFaults())
      ours.faults.add(RecordFault{fault.getIndex(), kj::str(fault.getMessage())});
    return kj::mv(ours);
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
