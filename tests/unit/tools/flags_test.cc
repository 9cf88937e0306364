#include "tools/flags.h"

#include <cstdlib>
#include <gflags/gflags.h>
#include <gtest/gtest.h>

namespace cambium::tools {
namespace {

// Every test begins with the defaults.
class FlagsTest : public ::testing::Test {
 protected:
  FlagsTest() { unsetenv("CAMBIUM_BROKER"); }

  static kj::String set(kj::StringPtr name, kj::StringPtr value) {
    return setFlag(name, value).orDefault(kj::str("fine"));
  }

 private:
  gflags::FlagSaver saver_;
};

TEST_F(FlagsTest, TheBrokerComesFromFlagEnvironmentOrDefault) {
  EXPECT_EQ(commonOptions().broker, "127.0.0.1:9290");
  setenv("CAMBIUM_BROKER", "there:1", 1);
  EXPECT_EQ(commonOptions().broker, "there:1");
  EXPECT_EQ(set("broker", "here:2"), "fine");
  EXPECT_EQ(commonOptions().broker, "here:2");
  unsetenv("CAMBIUM_BROKER");
}

TEST_F(FlagsTest, WrongValuesAreNamed) {
  EXPECT_EQ(set("partitions", "many"), "--partitions=many: expected a whole number below 2147483648");
  EXPECT_EQ(set("json", "perhaps"), "--json=perhaps: expected true or false");
  EXPECT_EQ(set("rate", "fast"), "--rate=fast: expected a number");
  EXPECT_EQ(set("records", "1.5"), "--records=1.5: expected a whole number");
}

TEST_F(FlagsTest, ListsAreJoinedOtherFlagsReplaced) {
  set("config", "a=1");
  set("config", "b=2");
  set("partitions", "2");
  set("partitions", "3");
  auto options = topicOptions();
  ASSERT_TRUE(options.ok());
  ASSERT_EQ(options.value().changes.size(), 2u);
  EXPECT_EQ(options.value().changes[1].name, "b");
  EXPECT_EQ(options.value().partitions, 3);
}

TEST_F(FlagsTest, OnlyOwnFlagsCount) {
  EXPECT_TRUE(flagKind("flagfile") == nullptr);
  EXPECT_TRUE(flagKind("helpfull") == nullptr);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(flagKind("json")) == FlagKind::kSwitch);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(flagKind("header")) == FlagKind::kList);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(flagKind("acks")) == FlagKind::kValue);
}

TEST_F(FlagsTest, ProduceOptionsAreChecked) {
  set("key_separator", "\\t");
  set("partition", "4");
  set("acks", "none");
  auto options = produceOptions();
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(KJ_ASSERT_NONNULL(options.value().keySeparator), "\t");
  EXPECT_EQ(KJ_ASSERT_NONNULL(options.value().partition), PartitionIndex(4));
  EXPECT_EQ(options.value().producer.acks, client::Acks::kNone);

  set("partition", "-2");
  EXPECT_EQ(produceOptions().error().message, "--partition=-2: expected a partition number, from 0 on");
  set("partition", "-1");
  set("batch_bytes", "0");
  EXPECT_EQ(produceOptions().error().message, "--batch_bytes=0: expected at least 1");
}

TEST_F(FlagsTest, AGroupBeginsWhereItCommitted) {
  set("group", "g");
  EXPECT_FALSE(consumeOptions().value().from.get<client::FromCommitted>().elseEnd);
  set("from", "end");
  EXPECT_TRUE(consumeOptions().value().from.get<client::FromCommitted>().elseEnd);
  set("from", "17");
  EXPECT_FALSE(consumeOptions().ok());
}

TEST_F(FlagsTest, OutputsExcludeEachOther) {
  EXPECT_EQ(consumeOptions().value().format, "%v\\n");
  set("output", "key-value");
  EXPECT_EQ(consumeOptions().value().format, "%k\\t%v\\n");
  set("json", "true");
  EXPECT_TRUE(consumeOptions().value().json);
  set("format", "%v");
  EXPECT_FALSE(consumeOptions().ok());
}

TEST_F(FlagsTest, FollowContradictsExitAtEnd) {
  set("follow", "true");
  EXPECT_TRUE(consumeOptions().ok());
  set("exit_at_end", "true");
  EXPECT_FALSE(consumeOptions().ok());
}

TEST_F(FlagsTest, RecordsAreDeletedBelowSomething) {
  EXPECT_FALSE(recordsOptions().ok());
  set("before", "end");
  EXPECT_TRUE(recordsOptions().value().before == nullptr);
  set("before", "12");
  auto options = recordsOptions();
  EXPECT_EQ(KJ_ASSERT_NONNULL(options.value().before), Offset(12));
  set("before", "-12");
  EXPECT_FALSE(recordsOptions().ok());
}

}  // namespace
}  // namespace cambium::tools
