#include "tools/timestamp.h"

#include <gtest/gtest.h>

namespace cambium::tools {
namespace {

int64_t parsed(kj::StringPtr text) {
  KJ_IF_MAYBE(timestamp, parseTimestamp(text)) return timestamp->value();
  return -1;
}

TEST(Timestamp, ReadsMillisecondsAndIso8601) {
  constexpr int64_t kNoon = 1795176000000;  // 2026-11-20T12:00:00Z
  EXPECT_EQ(parsed("0"), 0);
  EXPECT_EQ(parsed("1795176000000"), kNoon);
  EXPECT_EQ(parsed("2026-11-20"), kNoon - 12 * 3'600'000);
  EXPECT_EQ(parsed("2026-11-20T12:00"), kNoon);
  EXPECT_EQ(parsed("2026-11-20 12:00:00"), kNoon);
  EXPECT_EQ(parsed("2026-11-20T12:00:00Z"), kNoon);
  EXPECT_EQ(parsed("2026-11-20T12:00:01.25Z"), kNoon + 1250);
  EXPECT_EQ(parsed("2026-11-20T12:00:00.123456789Z"), kNoon + 123);
  EXPECT_EQ(parsed("2026-11-20T14:00:00+02:00"), kNoon);
  EXPECT_EQ(parsed("2026-11-20T06:30:00-0530"), kNoon);
  EXPECT_EQ(parsed("2026-11-20T13:00:00+01"), kNoon);
  EXPECT_EQ(parsed("2024-02-29T00:00:00Z"), 1709164800000);
}

TEST(Timestamp, RefusesEverythingElse) {
  for (auto text : {"", "-1", "yesterday", "2026-11", "2026-13-01", "2026-02-29", "2026-11-20T", "2026-11-20T24:00",
                    "2026-11-20T12:60", "2026-11-20T12:00:61", "2026-11-20T12:00:00.", "2026-11-20T12:00:00X",
                    "2026-11-20T12:00:00Z ", "2026-11-20T12:00:00+2", "2026-11-20T12:00:00+02:0", "1969-12-31",
                    "99999999999999999999"}) {
    EXPECT_EQ(parsed(text), -1) << text;
  }
}

TEST(Timestamp, WritesWhatItReads) {
  for (auto text : {"2026-11-20T12:00:00.000Z", "1970-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z"}) {
    EXPECT_EQ(formatTimestamp(TimestampMs(parsed(text))), text);
  }
  EXPECT_EQ(formatTimestamp(kNoTimestamp), "-");
}

}  // namespace
}  // namespace cambium::tools
