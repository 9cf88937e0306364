#pragma once

#include "engine/base/error.h"
#include "schema/cambium.capnp.h"

namespace cambium {

// The one place that turns the engine's errors into the schema's.
rpc::ErrorCode toRpc(ErrorCode code);
void writeError(rpc::Error::Builder builder, const Error& error);

// The first error of several, into results that have an `error`; nothing when there is none.
template <class Results>
void writeFirstError(Results results, kj::ArrayPtr<const kj::Maybe<Error>> answers) {
  for (auto& answer : answers) {
    KJ_IF_MAYBE(error, answer) {
      writeError(results.initError(), *error);
      return;
    }
  }
}

}  // namespace cambium
