#pragma once

#include <kj/one-of.h>
#include <kj/vector.h>

#include "tools/command.h"

namespace cambium::tools {

struct FlagSetting {
  kj::StringPtr name;
  kj::StringPtr value;
};

// A command to run. Views into the arguments and the table.
struct Invocation {
  const Command* command;
  kj::Vector<kj::StringPtr> arguments;
  kj::Vector<FlagSetting> flags;  // in the order given
};

// Help was asked for: of everything (""), a group ("topic") or a command ("topic create").
struct HelpRequest {
  kj::String topic;
};

struct VersionRequest {};

struct UsageError {
  kj::String message;  // one line, with a hint what to do
};

using ParsedCommandLine = kj::OneOf<Invocation, HelpRequest, VersionRequest, UsageError>;

// Takes the arguments (without the program's name) apart. Flags are --name, --name=value, --name value and --noname for
// switches; they may stand anywhere; "--" ends them. --help, -h and a first word "help" win over everything, then
// --version. Checks which flags the command knows and how many arguments it takes, not the values.
ParsedCommandLine parseCommandLine(kj::ArrayPtr<const kj::StringPtr> arguments, kj::ArrayPtr<const Command> commands);

// The flags that every command has.
kj::ArrayPtr<const FlagUse> commonFlags();

// The candidate that `word` was probably meant to be; null when none is near.
kj::Maybe<kj::StringPtr> nearest(kj::StringPtr word, kj::ArrayPtr<const kj::StringPtr> candidates);

}  // namespace cambium::tools
