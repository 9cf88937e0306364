#include "engine/base/log_limiter.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace cambium {
namespace {

// Collects what is logged while it is in scope. kj wants it on the stack.
class LogLines final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity severity, const char*, int, int, kj::String&& text) override {
    EXPECT_EQ(severity, kj::LogSeverity::WARNING);
    lines.push_back(text.cStr());
  }
  std::vector<std::string> lines;
};

class LogLimiterTest : public ::testing::Test {
 public:
  ~LogLimiterTest() noexcept override = default;

 protected:
  void advance(kj::Duration by) {
    timer.advanceTo(timer.now() + by);
    scope.poll();
  }
  using Lines = std::vector<std::string>;

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
};

TEST_F(LogLimiterTest, OfEachKindSoManyLinesThenTheNumberOfTheRest) {
  LogLines log;
  LogLimiter limiter(timer, {.linesMax = 2, .interval = 60 * kj::SECONDS});
  for (int i = 0; i < 1000; ++i)
    limiter.warn("malformed", "/10.0.0.1, number ", i);
  limiter.warn("refused", "/10.0.0.2");
  EXPECT_EQ(log.lines,
            (Lines{"malformed: /10.0.0.1, number 0", "malformed: /10.0.0.1, number 1", "refused: /10.0.0.2"}));
  log.lines.clear();
  advance(59 * kj::SECONDS);
  EXPECT_EQ(log.lines, Lines{});
  advance(1 * kj::SECONDS);
  EXPECT_EQ(log.lines, Lines{"malformed: 998 more such lines were left out within 60 s"});

  log.lines.clear();
  limiter.warn("malformed", "anew");
  EXPECT_EQ(log.lines, Lines{"malformed: anew"}) << "the next interval has its own lines";
  advance(60 * kj::SECONDS);
  EXPECT_EQ(log.lines.size(), 1u) << "nothing was left out";
}

TEST_F(LogLimiterTest, WhatWasLeftOutIsToldAlsoAtTheEnd) {
  LogLines log;
  {
    LogLimiter limiter(timer, {.linesMax = 1, .interval = 60 * kj::SECONDS});
    for (int i = 0; i < 5; ++i)
      limiter.warn("refused", i);
  }
  EXPECT_EQ(log.lines, (Lines{"refused: 0", "refused: 4 more such lines were left out within 60 s"}));
}

TEST_F(LogLimiterTest, WhatAClientSentStaysOneShortLine) {
  LogLines log;
  LogLimiter limiter(timer);
  limiter.warn("malformed", "a\nERROR of ours\r\x1b[2J", kj::repeat('x', 10'000));
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.lines[0].starts_with("malformed: a ERROR of ours  [2Jxxx")) << log.lines[0];
  EXPECT_LT(log.lines[0].size(), 320u);
}

}  // namespace
}  // namespace cambium
