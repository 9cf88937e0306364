#include "engine/storage/partition_log.h"

#include <kj/debug.h>

namespace cambium {

void syncNow(PartitionLog& log) {
  KJ_IF_MAYBE(job, log.startSync()) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { (*job)->run(); })) {
      log.breakLog(kj::mv(*job), exception->getDescription());
      kj::throwFatalException(kj::mv(*exception));
    }
    log.finishSync(kj::mv(*job));
  }
}

}  // namespace cambium
