#pragma once

#include <kj/exception.h>

namespace cambium {

// Sends what kj logs on the calling thread to glog (standard error). One on the stack of each thread with an event
// loop.
class LogThread final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity severity, const char* file, int line, int contextDepth, kj::String&& text) override;
};

// Once, at start.
void startLogging(const char* program, bool verbose);

}  // namespace cambium
