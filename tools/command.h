#pragma once

#include <kj/async.h>
#include <kj/string.h>

namespace cambium::tools {

class Session;

// What the program answers to the shell.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,  // the operation failed
  kExitUsage = 2,   // wrong usage: nothing was tried
};

// A flag that a command knows. Its kind and default are those of the flag of this name in flags.cc.
struct FlagUse {
  kj::StringPtr name;
  kj::StringPtr description = ""_kj;  // "PLACEHOLDER: text" in place of the flag's own; empty: the flag's own
  bool required = false;              // for the help; the command itself checks
};

// One command: what it is called, what help says about it, and what it does. The tables of them live for ever.
struct Command {
  kj::StringPtr name;       // "produce", or with its group "topic create"
  kj::StringPtr arguments;  // as help shows them: "TOPIC [FILE…]"
  kj::StringPtr summary;    // one line, no full stop
  kj::StringPtr details;    // further lines of help, each ended by '\n'; may be empty
  size_t argumentsMin;
  size_t argumentsMax;
  kj::ArrayPtr<const FlagUse> flags;  // beside --broker, --json, --timeout and --help, which all have
  // Returns an ExitCode. An exception it throws becomes one line on standard error and kExitFailed.
  kj::Promise<int> (*run)(Session& session);
  // A command that may well take long: it says itself what it waits for (Session::waitFor). Of others the whole run is
  // such a wait.
  bool takesLong = false;
};

inline constexpr size_t kAnyNumber = static_cast<size_t>(-1);

// All commands, in the order in which help shows them.
kj::ArrayPtr<const Command> allCommands();

// One table per group, each in a file of its own.
kj::ArrayPtr<const Command> topicCommands();
kj::ArrayPtr<const Command> moveCommands();
kj::ArrayPtr<const Command> produceCommands();
kj::ArrayPtr<const Command> consumeCommands();
kj::ArrayPtr<const Command> recordsCommands();
kj::ArrayPtr<const Command> groupCommands();
kj::ArrayPtr<const Command> brokerCommands();
kj::ArrayPtr<const Command> perfCommands();
kj::ArrayPtr<const Command> inspectCommands();
kj::ArrayPtr<const Command> completionCommands();

}  // namespace cambium::tools
