#include "server/rpc/error_mapping.h"

namespace cambium {

rpc::ErrorCode toRpc(ErrorCode code) {
  switch (code) {
#define CAMBIUM_X(enumerant, NAME) \
  case ErrorCode::enumerant:       \
    return rpc::ErrorCode::NAME;
    CAMBIUM_ERROR_CODES(CAMBIUM_X)
#undef CAMBIUM_X
  }
  KJ_UNREACHABLE;
}

void writeError(rpc::Error::Builder builder, const Error& error) {
  builder.setCode(toRpc(error.code));
  builder.setMessage(error.message);
  if (error.faults.size() == 0) return;
  auto faults = builder.initRecordFaults(static_cast<unsigned>(error.faults.size()));
  for (unsigned i = 0; i < faults.size(); ++i) {
    faults[i].setIndex(error.faults[i].index);
    faults[i].setMessage(error.faults[i].message);
  }
}

}  // namespace cambium
