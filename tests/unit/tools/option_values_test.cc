#include "tools/option_values.h"

#include <gtest/gtest.h>

namespace cambium::tools {
namespace {

kj::String shown(Result<kj::Array<client::ConfigChange>> changes) {
  if (!changes.ok()) return kj::str("error: ", changes.error().message);
  auto parts = KJ_MAP(change, changes.value()) {
    KJ_IF_MAYBE(value, change.value) return kj::str(change.name, "->", *value);
    return kj::str(change.name, " reset");
  };
  return kj::strArray(parts, "; ");
}

TEST(ParseConfigs, SplitsAtCommasBetweenConfigsOnly) {
  EXPECT_EQ(shown(parseConfigs("")), "");
  EXPECT_EQ(shown(parseConfigs("a=1,b=x=y")), "a->1; b->x=y");
  EXPECT_EQ(shown(parseConfigs("cleanup.policy=compact,delete,retention.ms=5")),
            "cleanup.policy->compact,delete; retention.ms->5");
  EXPECT_EQ(shown(parseConfigs("a=")), "a->");
  EXPECT_EQ(shown(parseConfigs("a,b=1")), "error: --config: \"a\" has no value; expected name=value");
  EXPECT_EQ(shown(parseConfigs("=1")), "error: --config: \"=1\" has no name; expected name=value");
}

TEST(ParseResets, TakesNames) {
  EXPECT_EQ(shown(parseResets("a,b")), "a reset; b reset");
  EXPECT_TRUE(shown(parseResets("a=1")).startsWith("error: --reset: \"a=1\""));
  EXPECT_TRUE(shown(parseResets("a,,b")).startsWith("error: --reset: \"\""));
}

TEST(ParseHeaders, TakesNamesWithAndWithoutValue) {
  auto headers = parseHeaders("a=1,b,c=");
  ASSERT_TRUE(headers.ok());
  ASSERT_EQ(headers.value().size(), 3u);
  EXPECT_EQ(KJ_ASSERT_NONNULL(headers.value()[0].value), "1");
  EXPECT_TRUE(headers.value()[1].value == nullptr);
  EXPECT_EQ(KJ_ASSERT_NONNULL(headers.value()[2].value), "");
  EXPECT_FALSE(parseHeaders("=1").ok());
}

TEST(ParseStart, TakesAllForms) {
  EXPECT_TRUE(parseStart("beginning").value().is<client::FromBeginning>());
  EXPECT_TRUE(parseStart("end").value().is<client::FromEnd>());
  EXPECT_EQ(parseStart("17").value().get<Offset>(), Offset(17));
  EXPECT_EQ(parseStart("@5").value().get<client::FromTimestamp>().timestamp, TimestampMs(5));
  EXPECT_EQ(parseStart("@1970-01-02").value().get<client::FromTimestamp>().timestamp, TimestampMs(86'400'000));
  for (auto text : {"", "-1", "17x", "@", "@never", "start"})
    EXPECT_FALSE(parseStart(text).ok()) << text;
}

TEST(ParseResetTarget, TakesAllForms) {
  EXPECT_TRUE(parseResetTarget("earliest").value().is<client::Earliest>());
  EXPECT_TRUE(parseResetTarget("latest").value().is<client::Latest>());
  EXPECT_EQ(parseResetTarget("17").value().get<Offset>(), Offset(17));
  EXPECT_EQ(parseResetTarget("@5").value().get<TimestampMs>(), TimestampMs(5));
  EXPECT_EQ(parseResetTarget("+3").value().get<client::Shift>().by, 3);
  EXPECT_EQ(parseResetTarget("-3").value().get<client::Shift>().by, -3);
  for (auto text : {"", "+", "-", "+-3", "--3", "17x", "@", "@never", "beginning"})
    EXPECT_FALSE(parseResetTarget(text).ok()) << text;
}

TEST(ParseChoices, NameWhatIsExpected) {
  EXPECT_EQ(parseAcks("leader").value(), client::Acks::kLeader);
  EXPECT_EQ(parseAcks("-1").value(), client::Acks::kAll);
  EXPECT_EQ(parseAcks("some").error().message, "--acks=some: expected all, leader or none");
  EXPECT_EQ(parseCompression("zstd").value(), Codec::kZstd);
  EXPECT_EQ(parseCompression("rar").error().message, "--compression=rar: expected none, gzip, snappy, lz4 or zstd");
  EXPECT_EQ(parsePartitioner("round_robin").value(), client::PartitionerKind::kRoundRobin);
  EXPECT_FALSE(parsePartitioner("random").ok());
  EXPECT_EQ(parsePartition("2").value(), PartitionIndex(2));
  EXPECT_FALSE(parsePartition("-2").ok());
  EXPECT_FALSE(parseOffset("1.5").ok());
}

TEST(Unescape, KnowsTheUsualOnes) {
  EXPECT_EQ(KJ_ASSERT_NONNULL(unescape("a\\tb\\n\\r\\\\\\x7c")), "a\tb\n\r\\|");
  EXPECT_EQ(KJ_ASSERT_NONNULL(unescape("\\0")).size(), 1u);
  for (auto text : {"\\", "\\q", "\\x", "\\x1", "\\xg0"})
    EXPECT_TRUE(unescape(text) == nullptr) << text;
}

}  // namespace
}  // namespace cambium::tools
