#include "server/kafka/wire/reader.h"

namespace cambium::kafka {

kj::String Reader::failure() const {
  if (failedField_ != nullptr) return kj::str("\"", failedField_, "\" ", failure_);
  return kj::str(in_.remaining(), " bytes are left over behind the last field");
}

}  // namespace cambium::kafka
