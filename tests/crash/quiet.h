#pragma once

#include <kj/exception.h>

namespace cambium {

// While one is on the stack, what a broker has to say goes nowhere: where faults are the rule, it is of no interest.
class Quiet final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity, const char*, int, int, kj::String&&) override {}
};

}  // namespace cambium
