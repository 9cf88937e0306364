#include "tools/command_line.h"

#include <algorithm>

#include "tools/flags.h"

namespace cambium::tools {
namespace {

constexpr FlagUse kCommonFlags[] = {{"broker"_kj}, {"json"_kj}, {"timeout"_kj}};

// The first word of a command's name when it has two, else an empty text.
kj::String groupOf(const Command& command) {
  KJ_IF_MAYBE(space, command.name.findFirst(' ')) return kj::str(command.name.slice(0, *space));
  return {};
}

struct Words {
  kj::Vector<kj::StringPtr> words;
  kj::Vector<FlagSetting> flags;
  bool help = false;
  bool version = false;
};

struct SplitFlag {
  kj::String name;
  kj::Maybe<kj::StringPtr> value;
};

SplitFlag splitFlag(kj::StringPtr argument) {
  auto body = argument.slice(2);
  KJ_IF_MAYBE(equals, body.findFirst('=')) return {kj::str(body.slice(0, *equals)), body.slice(*equals + 1)};
  return {kj::str(body), nullptr};
}

UsageError unknownFlag(kj::StringPtr name, kj::ArrayPtr<const Command> commands) {
  kj::Vector<kj::StringPtr> known;
  for (auto& command : commands) {
    for (auto& flag : command.flags)
      known.add(flag.name);
  }
  for (auto& flag : kCommonFlags)
    known.add(flag.name);
  known.add("help"_kj);
  known.add("version"_kj);
  KJ_IF_MAYBE(near, nearest(name, known)) {
    return {kj::str("unknown flag --", name, "; did you mean --", *near, "? See: cambium --help")};
  }
  return {kj::str("unknown flag --", name, "; see: cambium --help")};
}

// The flag's name as its definition has it, which lives for ever; null when no command has it.
kj::Maybe<kj::StringPtr> definedName(kj::StringPtr name, kj::ArrayPtr<const Command> commands) {
  for (auto& flag : kCommonFlags) {
    if (flag.name == name) return flag.name;
  }
  for (auto& command : commands) {
    for (auto& flag : command.flags) {
      if (flag.name == name) return flag.name;
    }
  }
  return nullptr;
}

// Reads the flag at `arguments[i]`, moves `i` when its value is the next argument.
kj::Maybe<UsageError> readFlag(kj::ArrayPtr<const kj::StringPtr> arguments, size_t& i,
                               kj::ArrayPtr<const Command> commands, Words& into) {
  auto flag = splitFlag(arguments[i]);
  if (flag.name == "help" || flag.name == "version") {
    if (flag.value != nullptr) return UsageError{kj::str("--", flag.name, " takes no value")};
    (flag.name == "help" ? into.help : into.version) = true;
    return nullptr;
  }
  KJ_IF_MAYBE(name, definedName(flag.name, commands)) {
    bool isSwitch = KJ_ASSERT_NONNULL(flagKind(*name)) == FlagKind::kSwitch;
    KJ_IF_MAYBE(value, flag.value) {
      into.flags.add(FlagSetting{*name, *value});
    } else if (isSwitch) {
      into.flags.add(FlagSetting{*name, "true"_kj});
    } else if (i + 1 < arguments.size()) {
      into.flags.add(FlagSetting{*name, arguments[++i]});
    } else {
      return UsageError{kj::str("--", *name, " needs a value; see: cambium --help")};
    }
    return nullptr;
  }
  if (flag.name.startsWith("no") && flag.value == nullptr) {
    KJ_IF_MAYBE(name, definedName(flag.name.slice(2), commands)) {
      if (KJ_ASSERT_NONNULL(flagKind(*name)) == FlagKind::kSwitch) {
        into.flags.add(FlagSetting{*name, "false"_kj});
        return nullptr;
      }
    }
  }
  return unknownFlag(flag.name, commands);
}

kj::Maybe<UsageError> readWords(kj::ArrayPtr<const kj::StringPtr> arguments, kj::ArrayPtr<const Command> commands,
                                Words& into) {
  bool flagsEnded = false;
  kj::Maybe<UsageError> problem;
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto argument = arguments[i];
    if (flagsEnded || !argument.startsWith("-") || argument == "-") {
      into.words.add(argument);
    } else if (argument == "--") {
      flagsEnded = true;
    } else if (argument == "-h") {
      into.help = true;
    } else if (argument.startsWith("--")) {
      auto wrong = readFlag(arguments, i, commands, into);
      // Help may still be asked for further on.
      if (problem == nullptr) problem = kj::mv(wrong);
    } else if (argument[1] >= '0' && argument[1] <= '9') {
      into.words.add(argument);  // a negative number: the command says what it thinks of it
    } else if (problem == nullptr) {
      problem = UsageError{kj::str("unknown flag ", argument, "; flags begin with two dashes. See: cambium --help")};
    }
  }
  return problem;
}

struct Match {
  const Command* command;
  size_t words;
};

kj::Maybe<Match> findCommand(kj::ArrayPtr<const kj::StringPtr> words, kj::ArrayPtr<const Command> commands) {
  for (size_t count : {size_t{2}, size_t{1}}) {
    if (words.size() < count) continue;
    auto name = count == 2 ? kj::str(words[0], ' ', words[1]) : kj::str(words[0]);
    for (auto& command : commands) {
      if (command.name == name) return Match{&command, count};
    }
  }
  return nullptr;
}

bool isGroup(kj::StringPtr word, kj::ArrayPtr<const Command> commands) {
  for (auto& command : commands) {
    auto group = groupOf(command);
    if (group.size() > 0 && group == word) return true;
  }
  return false;
}

// What is wrong with words that name no command.
UsageError noCommand(kj::ArrayPtr<const kj::StringPtr> words, kj::ArrayPtr<const Command> commands) {
  if (words.size() == 0) return {kj::str("no command given; see: cambium --help")};
  bool inGroup = isGroup(words[0], commands);
  if (inGroup && words.size() == 1) {
    return {kj::str("\"", words[0], "\" needs a second word; see: cambium ", words[0], " --help")};
  }
  kj::Vector<kj::String> owned;
  for (auto& command : commands) {
    auto group = groupOf(command);
    if (!inGroup) {
      owned.add(group.size() > 0 ? kj::mv(group) : kj::str(command.name));
    } else if (group == words[0]) {
      owned.add(kj::str(command.name.slice(group.size() + 1)));
    }
  }
  auto candidates = KJ_MAP(name, owned)->kj::StringPtr {
    return name;
  };
  auto prefix = inGroup ? kj::str(words[0], ' ') : kj::str();
  auto word = inGroup ? words[1] : words[0];
  auto help = inGroup ? kj::str("cambium ", words[0], " --help") : kj::str("cambium --help");
  KJ_IF_MAYBE(near, nearest(word, candidates)) {
    return {kj::str("unknown command \"", prefix, word, "\"; did you mean \"", prefix, *near, "\"? See: ", help)};
  }
  return {kj::str("unknown command \"", prefix, word, "\"; see: ", help)};
}

kj::Maybe<UsageError> check(const Invocation& invocation) {
  auto& command = *invocation.command;
  for (auto& flag : invocation.flags) {
    auto isIt = [&](const FlagUse& use) { return use.name == flag.name; };
    bool known = std::any_of(command.flags.begin(), command.flags.end(), isIt) ||
                 std::any_of(commonFlags().begin(), commonFlags().end(), isIt);
    if (!known) {
      return UsageError{
          kj::str("\"", command.name, "\" has no flag --", flag.name, "; see: cambium ", command.name, " --help")};
    }
  }
  size_t count = invocation.arguments.size();
  auto usage = kj::str("usage: cambium ", command.name, command.arguments.size() > 0 ? " " : "", command.arguments);
  if (count < command.argumentsMin) return UsageError{kj::str("arguments are missing; ", usage)};
  if (count > command.argumentsMax) {
    return UsageError{kj::str("unexpected argument \"", invocation.arguments[command.argumentsMax], "\"; ", usage)};
  }
  return nullptr;
}

}  // namespace

kj::ArrayPtr<const FlagUse> commonFlags() {
  return kCommonFlags;
}

kj::Maybe<kj::StringPtr> nearest(kj::StringPtr word, kj::ArrayPtr<const kj::StringPtr> candidates) {
  kj::Maybe<kj::StringPtr> best;
  size_t bestDistance = word.size() / 3 + 2;  // that many slips and more: something else was meant
  for (auto& candidate : candidates) {
    // Levenshtein's distance, a row at a time.
    auto row = kj::heapArray<size_t>(candidate.size() + 1);
    for (size_t j = 0; j < row.size(); ++j)
      row[j] = j;
    for (size_t i = 1; i <= word.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j < row.size(); ++j) {
        size_t substituted = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = kj::min(substituted, kj::min(row[j], row[j - 1]) + 1);
      }
    }
    size_t distance = row[candidate.size()];
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

ParsedCommandLine parseCommandLine(kj::ArrayPtr<const kj::StringPtr> arguments, kj::ArrayPtr<const Command> commands) {
  Words words;
  if (arguments.size() > 0 && arguments[0] == "help") {
    words.help = true;
    arguments = arguments.slice(1, arguments.size());
  }
  auto problem = readWords(arguments, commands, words);
  auto match = findCommand(words.words, commands);
  if (words.help) {
    KJ_IF_MAYBE(found, match) return HelpRequest{kj::str(found->command->name)};
    if (words.words.empty()) return HelpRequest{kj::str()};
    if (words.words.size() == 1 && isGroup(words.words[0], commands)) return HelpRequest{kj::str(words.words[0])};
    return noCommand(words.words, commands);
  }
  if (words.version) return VersionRequest{};
  KJ_IF_MAYBE(wrong, problem) return kj::mv(*wrong);
  KJ_IF_MAYBE(found, match) {
    Invocation invocation{found->command, {}, kj::mv(words.flags)};
    invocation.arguments.addAll(words.words.slice(found->words, words.words.size()));
    KJ_IF_MAYBE(wrong, check(invocation)) return kj::mv(*wrong);
    return kj::mv(invocation);
  }
  return noCommand(words.words, commands);
}

}  // namespace cambium::tools
