#include "server/http/deadline_stream.h"

#include <kj/debug.h>

namespace cambium {

kj::Promise<void> DeadlineStream::limited(kj::Promise<void> write) {
  auto late = timer_.afterDelay(writeTimeout_).then([]() -> kj::Promise<void> {
    return KJ_EXCEPTION(DISCONNECTED, "client does not read what it asked for");
  });
  return write.exclusiveJoin(kj::mv(late));
}

}  // namespace cambium
