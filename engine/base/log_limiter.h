#pragma once

#include <map>
#include <source_location>
#include <string_view>

#include <kj/async.h>
#include <kj/string.h>
#include <kj/timer.h>

namespace cambium {

// Writes the log lines that clients can provoke. Of each kind it writes so many in an interval; when the interval is
// over, one more line says how many were left out. The lines are warnings and come without a stack: what a client does
// wrong is no error of ours. Text that came from a client is cut and cleaned of control characters. One loop.
class LogLimiter final {
 public:
  struct Limits {
    unsigned linesMax = 10;  // of each kind
    kj::Duration interval = 1 * kj::MINUTES;
  };

  // What a line says first. Lines with the same text are of one kind. Made from a literal only, so that a client cannot
  // make new kinds.
  struct Kind {
    consteval Kind(const char* text, std::source_location where = std::source_location::current())
        : text(text), where(where) {}

    const char* text;
    std::source_location where;
  };

  explicit LogLimiter(kj::Timer& timer) : LogLimiter(timer, Limits()) {}
  LogLimiter(kj::Timer& timer, Limits limits) : timer_(timer), limits_(limits) {}
  // Says what was left out so far.
  ~LogLimiter() noexcept(false) { endInterval(); }
  KJ_DISALLOW_COPY(LogLimiter);

  // Writes "kind: details", or counts it as left out. The details are made to text only when they are written.
  template <class... Details>
  void warn(Kind kind, Details&&... details) {
    if (admit(kind)) write(kind, kj::str(kj::fwd<Details>(details)...));
  }

 private:
  struct Count {
    const char* file;
    int line;
    unsigned written = 0;
    uint64_t leftOut = 0;
  };

  bool admit(const Kind& kind);
  void write(const Kind& kind, kj::String details);
  void endInterval();

  kj::Timer& timer_;
  const Limits limits_;
  std::map<std::string_view, Count> counts_;  // of this interval
  kj::Promise<void> intervalEnds_ = nullptr;  // meaningful while counts_ is not empty
};

}  // namespace cambium
