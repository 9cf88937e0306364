#pragma once

#include <kj/exception.h>

#include "engine/base/log_level.h"

namespace cambium {

// Sends what kj logs on the calling thread to glog (standard error). One on the stack of each thread with an event
// loop.
class LogThread final : public kj::ExceptionCallback {
 public:
  explicit LogThread(const LogLevelSwitch& level) : level_(level) {}

  void logMessage(kj::LogSeverity severity, const char* file, int line, int contextDepth, kj::String&& text) override;
  // kj cannot throw while another exception is on its way (in a destructor, say) and logs an error with a stack
  // instead. That a peer has gone is none: it is mentioned at the level INFO.
  void onRecoverableException(kj::Exception&& exception) override;

 private:
  const LogLevelSwitch& level_;
};

// Once, at start.
void startLogging(const char* program);

}  // namespace cambium
