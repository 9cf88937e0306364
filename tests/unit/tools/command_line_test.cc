#include "tools/command_line.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "tools/flags.h"
#include "tools/help.h"

namespace cambium::tools {
namespace {

kj::Array<kj::StringPtr> words(kj::StringPtr line) {
  static kj::Vector<kj::String> kept;
  kj::Vector<kj::StringPtr> result;
  size_t begin = 0;
  for (size_t i = 0; i <= line.size(); ++i) {
    if (i < line.size() && line[i] != ' ') continue;
    if (i > begin) result.add(kept.add(kj::str(line.slice(begin, i))));
    begin = i + 1;
  }
  return result.releaseAsArray();
}

// "topic list [a b] --json=true", or what else came out.
kj::String parsed(kj::StringPtr line) {
  auto arguments = words(line);
  auto result = parseCommandLine(arguments, allCommands());
  KJ_SWITCH_ONEOF(result) {
    KJ_CASE_ONEOF(invocation, Invocation) {
      auto flags = KJ_MAP(flag, invocation.flags) {
        return kj::str(" --", flag.name, "=", flag.value);
      };
      return kj::str(invocation.command->name, " [", kj::strArray(invocation.arguments, " "), "]",
                     kj::strArray(flags, ""));
    }
    KJ_CASE_ONEOF(help, HelpRequest) {
      return kj::str("help(", help.topic, ")");
    }
    KJ_CASE_ONEOF(version, VersionRequest) {
      return kj::str("version");
    }
    KJ_CASE_ONEOF(error, UsageError) {
      return kj::str("error: ", error.message);
    }
  }
  KJ_UNREACHABLE;
}

TEST(CommandLine, FlagsStandAnywhere) {
  EXPECT_EQ(parsed("topic create words --partitions=3"), "topic create [words] --partitions=3");
  EXPECT_EQ(parsed("--partitions 3 topic create words"), "topic create [words] --partitions=3");
  EXPECT_EQ(parsed("topic --json list"), "topic list [] --json=true");
  EXPECT_EQ(parsed("topic list --nojson"), "topic list [] --json=false");
  EXPECT_EQ(parsed("topic list --json=false"), "topic list [] --json=false");
  EXPECT_EQ(parsed("produce words --header=a=b --header=c=d"), "produce [words] --header=a=b --header=c=d");
  EXPECT_EQ(parsed("produce words - file"), "produce [words - file]");
  EXPECT_EQ(parsed("produce --acks=all -- words --json"), "produce [words --json] --acks=all");
  EXPECT_EQ(parsed("produce words --key_separator="), "produce [words] --key_separator=");
  EXPECT_EQ(parsed("group delete-offsets g t -1"), "group delete-offsets [g t -1]");
}

TEST(CommandLine, HelpAndVersionWin) {
  EXPECT_EQ(parsed("--help"), "help()");
  EXPECT_EQ(parsed("-h"), "help()");
  EXPECT_EQ(parsed("help topic create"), "help(topic create)");
  EXPECT_EQ(parsed("topic --help"), "help(topic)");
  EXPECT_EQ(parsed("topic create --bogus --help"), "help(topic create)");
  EXPECT_EQ(parsed("consume a b c --help"), "help(consume)");
  EXPECT_EQ(parsed("--version"), "version");
  EXPECT_EQ(parsed("topic creat --help"),
            "error: unknown command \"topic creat\"; did you mean \"topic create\"? See: "
            "cambium topic --help");
}

TEST(CommandLine, WrongUsageComesWithAHint) {
  EXPECT_EQ(parsed(""), "error: no command given; see: cambium --help");
  EXPECT_EQ(parsed("topic"), "error: \"topic\" needs a second word; see: cambium topic --help");
  EXPECT_EQ(parsed("tpoic list"), "error: unknown command \"tpoic\"; did you mean \"topic\"? See: cambium --help");
  EXPECT_EQ(parsed("frobnicate"), "error: unknown command \"frobnicate\"; see: cambium --help");
  EXPECT_EQ(parsed("topic list --nmaes"), "error: unknown flag --nmaes; did you mean --names? See: cambium --help");
  EXPECT_EQ(parsed("topic list --acks=all"),
            "error: \"topic list\" has no flag --acks; see: cambium topic list --help");
  EXPECT_EQ(parsed("topic list --noacks"), "error: unknown flag --noacks; did you mean --acks? See: cambium --help");
  EXPECT_EQ(parsed("topic list --broker"), "error: --broker needs a value; see: cambium --help");
  EXPECT_EQ(parsed("topic list -x"), "error: unknown flag -x; flags begin with two dashes. See: cambium --help");
  EXPECT_EQ(parsed("topic list --help=1"), "error: --help takes no value");
  EXPECT_EQ(parsed("topic create"), "error: arguments are missing; usage: cambium topic create NAME");
  EXPECT_EQ(parsed("topic create a b"), "error: unexpected argument \"b\"; usage: cambium topic create NAME");
  // Flags that gflags itself would understand are none of ours.
  EXPECT_TRUE(parsed("topic list --flagfile=/etc/passwd").startsWith("error: unknown flag --flagfile"));
}

TEST(Commands, AreComplete) {
  for (auto& command : allCommands()) {
    EXPECT_TRUE(command.summary.size() > 0 && !command.summary.endsWith(".")) << command.name.cStr();
    EXPECT_LE(command.argumentsMin, command.argumentsMax) << command.name.cStr();
    EXPECT_TRUE(command.details.size() == 0 || command.details.endsWith("\n")) << command.name.cStr();
    for (auto& flag : command.flags) {
      EXPECT_TRUE(flagKind(flag.name) != nullptr) << command.name.cStr() << " --" << flag.name.cStr();
    }
  }
}

TEST(Help, NamesEveryFlagWithItsDefault) {
  auto contains = [](kj::StringPtr text, kj::StringPtr part) {
    return std::search(text.begin(), text.end(), part.begin(), part.end()) != text.end();
  };
  auto all = helpText("", allCommands());
  for (auto& command : allCommands()) {
    EXPECT_TRUE(contains(all, command.name)) << command.name.cStr();
    auto help = helpText(command.name, allCommands());
    EXPECT_TRUE(help.startsWith(kj::str("Usage: cambium ", command.name))) << help.cStr();
    for (auto& flag : command.flags)
      EXPECT_TRUE(contains(help, kj::str("  --", flag.name))) << help.cStr();
    EXPECT_TRUE(contains(help, "--broker=ADDRESS"));
  }
  auto create = helpText("topic create", allCommands());
  EXPECT_TRUE(contains(create, "  --partitions=N\n      number of partitions (default: 1)\n")) << create.cStr();
  EXPECT_TRUE(contains(helpText("topic add-partitions", allCommands()), "(required)"));
  EXPECT_FALSE(contains(helpText("topic", allCommands()), "produce"));
}

}  // namespace
}  // namespace cambium::tools
