#pragma once

#include "engine/base/error.h"
#include "schema/cambium.capnp.h"

// Private to the library: the schema's errors as ours.

namespace cambium::client {

// Null when `error` says that the call succeeded. A code from a later schema becomes kUnknown, with the message kept.
kj::Maybe<Error> errorIn(rpc::Error::Reader error);

// An exception of a call, as an error that a program may be told: DISCONNECTED is kBrokerNotAvailable, OVERLOADED
// kThrottlingQuotaExceeded, UNIMPLEMENTED kUnsupportedVersion, everything else kUnknown.
Error errorFrom(const kj::Exception& e);

// Whether the same request may succeed later.
bool isRetryable(ErrorCode code);

}  // namespace cambium::client
