#include "engine/base/error.h"

namespace cambium {

kj::StringPtr errorName(ErrorCode code) {
  switch (code) {
#define CAMBIUM_X(enumerant, name) \
  case ErrorCode::enumerant:       \
    return #name##_kj;
    CAMBIUM_ERROR_CODES(CAMBIUM_X)
#undef CAMBIUM_X
  }
  KJ_UNREACHABLE;
}

Error Error::clone() const {
  Error copy{.code = code, .message = kj::str(message)};
  for (auto& fault : faults)
    copy.faults.add(fault.clone());
  return copy;
}

}  // namespace cambium
