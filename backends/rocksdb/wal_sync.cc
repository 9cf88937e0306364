#include "backends/rocksdb/wal_sync.h"

namespace cambium::rocks {

WalSync::Ticket WalSync::mark() {
  std::lock_guard<std::mutex> lock(mutex_);
  return started_;
}

void WalSync::ensure(Ticket ticket) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    if (succeeded_ > ticket) return;
    KJ_IF_MAYBE(failure, failure_) {
      kj::Exception copy = *failure;
      lock.unlock();
      kj::throwFatalException(kj::mv(copy));
    }
    if (!running_) break;
    finished_.wait(lock);
  }
  running_ = true;
  uint64_t number = ++started_;
  lock.unlock();
  auto failure = kj::runCatchingExceptions([&] { syncNow_(); });
  lock.lock();
  running_ = false;
  KJ_IF_MAYBE(exception, failure) {
    if (exception->getType() != kj::Exception::Type::OVERLOADED) failure_ = *exception;
  } else {
    succeeded_ = number;
  }
  lock.unlock();
  finished_.notify_all();
  KJ_IF_MAYBE(exception, failure) kj::throwFatalException(kj::mv(*exception));
}

uint64_t WalSync::count() {
  std::lock_guard<std::mutex> lock(mutex_);
  return succeeded_;
}

}  // namespace cambium::rocks
