#pragma once

#include <kj/exception.h>
#include <kj/string.h>

#include "engine/base/live.h"

namespace cambium {

// How much is logged, under the names that Kafka's loggers have. Nothing is logged below "info" here, so that "debug"
// and "trace" come to the same.
enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kFatal };

inline constexpr kj::StringPtr kLogLevelNames[] = {"TRACE"_kj, "DEBUG"_kj, "INFO"_kj,
                                                   "WARN"_kj,  "ERROR"_kj, "FATAL"_kj};

constexpr kj::StringPtr logLevelName(LogLevel level) {
  return kLogLevelNames[static_cast<size_t>(level)];
}

// By its name in upper case; null when there is none.
inline kj::Maybe<LogLevel> findLogLevel(kj::StringPtr name) {
  for (size_t i = 0; i < kj::size(kLogLevelNames); ++i)
    if (kLogLevelNames[i] == name) return static_cast<LogLevel>(i);
  return nullptr;
}

// The level of a process: set when it starts, and changed while it runs. Any thread.
class LogLevelSwitch {
 public:
  explicit LogLevelSwitch(LogLevel level) : initial_(level), level_(level) {}
  KJ_DISALLOW_COPY(LogLevelSwitch);

  LogLevel get() const { return level_; }
  void set(LogLevel level) { level_ = level; }
  LogLevel initial() const { return initial_; }
  bool lets(kj::LogSeverity severity) const { return levelOf(severity) >= level_.get(); }

 private:
  static LogLevel levelOf(kj::LogSeverity severity) {
    switch (severity) {
      case kj::LogSeverity::INFO:
      case kj::LogSeverity::DBG:
        return LogLevel::kInfo;
      case kj::LogSeverity::WARNING:
        return LogLevel::kWarn;
      case kj::LogSeverity::ERROR:
        return LogLevel::kError;
      case kj::LogSeverity::FATAL:
        return LogLevel::kFatal;
    }
    KJ_UNREACHABLE;
  }

  const LogLevel initial_;
  Live<LogLevel> level_;
};

}  // namespace cambium
