#include "backends/rocksdb/reclaimer.h"

#include <kj/exception.h>

namespace cambium::rocks {

Reclaimer::Reclaimer(kj::Function<void(kj::StringPtr)> report) : report_(kj::mv(report)), thread_([this] { run(); }) {}

Reclaimer::~Reclaimer() noexcept(false) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Reclaimer::add(kj::Function<void()> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(kj::mv(job));
  }
  changed_.notify_all();
}

void Reclaimer::drain() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return jobs_.empty() && !busy_; });
}

void Reclaimer::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !jobs_.empty(); });
    if (ending_) return;
    busy_ = true;
    {
      auto job = kj::mv(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { job(); })) {
        report_(kj::str("giving space back failed, tried again at the next opening: ", exception->getDescription()));
      }
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace cambium::rocks
