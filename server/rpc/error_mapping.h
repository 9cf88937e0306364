#pragma once

#include "engine/base/error.h"
#include "schema/cambium.capnp.h"

namespace cambium {

// The one place that turns the engine's errors into the schema's.
rpc::ErrorCode toRpc(ErrorCode code);
void writeError(rpc::Error::Builder builder, const Error& error);

}  // namespace cambium
