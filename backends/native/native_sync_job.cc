#include "backends/native/native_sync_job.h"

#include <kj/debug.h>

namespace cambium {

void syncIfThere(FileSystem& fileSystem, kj::StringPtr path) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { fileSystem.open(path, FileSystem::Mode::kWrite)->sync(); })) {
    // The log may have removed it meanwhile.
    if (fileSystem.exists(path)) kj::throwFatalException(kj::mv(*exception));
  }
}

// A full device that shows only now has cost what was to be synced: that is no OVERLOADED, after which it is tried
// again.
void NativeLog::Job::run() {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { syncFiles(); })) {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, exception->getFile(), exception->getLine(),
                                          kj::str(exception->getDescription())));
  }
  writeState();
  stateFile_->mark(ticket_, reached_, marksDurably_);
  KJ_IF_MAYBE(registration, registration_) registered_ = registration->host.registerLog(registration->id);
}

void NativeLog::Job::syncFiles() {
  for (auto& open : files_) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { open.file->get().sync(); })) {
      // A segment that the log removed meanwhile has nothing to lose.
      if (fileSystem_.exists(open.path)) kj::throwFatalException(kj::mv(*exception));
    }
  }
  for (auto& path : paths_)
    syncIfThere(fileSystem_, path);
  for (auto& folder : folders_)
    fileSystem_.syncDirectory(folder);
}

void NativeLog::Job::writeState() {
  KJ_IF_MAYBE(state, state_) {
    try {
      stateFile_->write(ticket_, *state);
    } catch (const kj::Exception& exception) {
      // A full device: everything is durable all the same, only a recovery would take longer.
      if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
    }
  }
}

}  // namespace cambium
