#include "engine/base/log_limiter.h"

#include <kj/debug.h>

#include "engine/base/text.h"

namespace cambium {

namespace {

constexpr size_t kDetailsCharsMax = 300;

void writeWarning(const char* file, int line, kj::String text) {
  kj::getExceptionCallback().logMessage(kj::LogSeverity::WARNING, file, line, 0, kj::mv(text));
}

}  // namespace

bool LogLimiter::admit(const Kind& kind) {
  if (counts_.empty()) {
    intervalEnds_ = timer_.afterDelay(limits_.interval).then([this] { endInterval(); }).eagerlyEvaluate(nullptr);
  }
  auto& count =
      counts_.try_emplace(kind.text, Count{kind.where.file_name(), static_cast<int>(kind.where.line())}).first->second;
  if (count.written >= limits_.linesMax) {
    ++count.leftOut;
    return false;
  }
  ++count.written;
  return true;
}

void LogLimiter::write(const Kind& kind, kj::String details) {
  writeWarning(kind.where.file_name(), static_cast<int>(kind.where.line()),
               kj::str(kind.text, ": ", oneLine(details, kDetailsCharsMax)));
}

void LogLimiter::endInterval() {
  for (auto& [kind, count] : counts_) {
    if (count.leftOut == 0) continue;
    writeWarning(count.file, count.line,
                 kj::str(kj::arrayPtr(kind.data(), kind.size()), ": ", count.leftOut,
                         " more such lines were left out within ", limits_.interval / kj::SECONDS, " s"));
  }
  counts_.clear();
}

}  // namespace cambium
