#include "tools/timestamp.h"

#include <chrono>

#include <kj/debug.h>

#include "engine/base/text.h"

namespace cambium::tools {
namespace {

constexpr int64_t kMsPerMinute = 60'000;

// Takes a text apart from the left. Every function leaves it as it was when it does not find what it wants.
class TimeReader {
 public:
  explicit TimeReader(kj::StringPtr text) : rest_(text) {}

  // Exactly `digits` digits.
  kj::Maybe<int> number(size_t digits) {
    if (rest_.size() < digits) return nullptr;
    int value = 0;
    for (char c : rest_.slice(0, digits)) {
      if (c < '0' || c > '9') return nullptr;
      value = value * 10 + (c - '0');
    }
    rest_ = rest_.slice(digits, rest_.size());
    return value;
  }
  bool skip(char c) {
    if (rest_.size() == 0 || rest_[0] != c) return false;
    rest_ = rest_.slice(1, rest_.size());
    return true;
  }
  // Digits of a fraction of a second, at least one, as milliseconds.
  kj::Maybe<int> fractionMs() {
    int ms = 0;
    int weight = 100;
    bool any = false;
    while (rest_.size() > 0 && rest_[0] >= '0' && rest_[0] <= '9') {
      ms += (rest_[0] - '0') * weight;
      weight /= 10;
      any = true;
      rest_ = rest_.slice(1, rest_.size());
    }
    if (!any) return nullptr;
    return ms;
  }
  bool atEnd() const { return rest_.size() == 0; }

 private:
  kj::ArrayPtr<const char> rest_;
};

// Milliseconds of the days before the date; null when there is no such day.
kj::Maybe<int64_t> readDate(TimeReader& in) {
  int parts[3] = {};
  size_t digits[3] = {4, 2, 2};
  for (int i = 0; i < 3; ++i) {
    if (i > 0 && !in.skip('-')) return nullptr;
    KJ_IF_MAYBE(value, in.number(digits[i])) {
      parts[i] = *value;
    } else {
      return nullptr;
    }
  }
  std::chrono::year_month_day date{std::chrono::year(parts[0]), std::chrono::month(static_cast<unsigned>(parts[1])),
                                   std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!date.ok()) return nullptr;
  return std::chrono::milliseconds(std::chrono::sys_days(date).time_since_epoch()).count();
}

// hh:mm[:ss[.fraction]]
kj::Maybe<int64_t> readTimeOfDay(TimeReader& in) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int ms = 0;
  KJ_IF_MAYBE(h, in.number(2))
    hour = *h;
  else
    return nullptr;
  if (!in.skip(':')) return nullptr;
  KJ_IF_MAYBE(m, in.number(2))
    minute = *m;
  else
    return nullptr;
  if (in.skip(':')) {
    KJ_IF_MAYBE(s, in.number(2))
      second = *s;
    else
      return nullptr;
    if (in.skip('.')) {
      KJ_IF_MAYBE(f, in.fractionMs())
        ms = *f;
      else
        return nullptr;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return nullptr;
  return (hour * 60 + minute) * kMsPerMinute + second * 1000 + ms;
}

// What a zone is ahead of UTC; 0 when none is given.
kj::Maybe<int64_t> readZone(TimeReader& in) {
  if (in.atEnd() || in.skip('Z')) return int64_t{0};
  int64_t sign = 1;
  if (in.skip('-'))
    sign = -1;
  else if (!in.skip('+'))
    return nullptr;
  int hours = 0;
  int minutes = 0;
  KJ_IF_MAYBE(h, in.number(2))
    hours = *h;
  else
    return nullptr;
  if (in.skip(':') || !in.atEnd()) {
    KJ_IF_MAYBE(m, in.number(2))
      minutes = *m;
    else
      return nullptr;
  }
  if (hours > 23 || minutes > 59) return nullptr;
  return sign * (hours * 60 + minutes) * kMsPerMinute;
}

}  // namespace

kj::Maybe<TimestampMs> parseTimestamp(kj::StringPtr text) {
  KJ_IF_MAYBE(ms, parseInteger(text)) {
    if (*ms < 0) return nullptr;
    return TimestampMs(*ms);
  }
  TimeReader in(text);
  int64_t result = 0;
  KJ_IF_MAYBE(date, readDate(in))
    result = *date;
  else
    return nullptr;
  if (in.skip('T') || in.skip(' ')) {
    KJ_IF_MAYBE(time, readTimeOfDay(in))
      result += *time;
    else
      return nullptr;
  }
  KJ_IF_MAYBE(zone, readZone(in))
    result -= *zone;
  else
    return nullptr;
  if (!in.atEnd() || result < 0) return nullptr;
  return TimestampMs(result);
}

kj::String formatTimestamp(TimestampMs timestamp) {
  if (timestamp == kNoTimestamp) return kj::str("-");
  std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(timestamp.value())};
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  char buffer[48];
  snprintf(buffer, sizeof(buffer), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
           static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
           static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return kj::str(buffer);
}

}  // namespace cambium::tools
