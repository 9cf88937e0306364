#include <csignal>
#include <unistd.h>

#include <kj/async-io.h>
#include <kj/vector.h>

#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/flags.h"
#include "tools/help.h"
#include "tools/session.h"

// The command `cambium`. Every command stands in a table of its group's file; this one finds it and runs it.

namespace cambium::tools {
namespace {

// An exception's text for people: without the trail of the calls it came through, and only its first line.
kj::String explain(const kj::Exception& e) {
  kj::StringPtr text = e.getDescription();
  while (text.startsWith("remote exception: "))
    text = text.slice("remote exception: "_kj.size());
  KJ_IF_MAYBE(lineEnd, text.findFirst('\n')) return kj::str(text.slice(0, *lineEnd));
  return kj::str(text);
}

int runCommand(const Invocation& invocation, Output& output) {
  for (auto& flag : invocation.flags) {
    KJ_IF_MAYBE(wrong, setFlag(flag.name, flag.value)) {
      output.complain(kj::str(*wrong, "; see: cambium ", invocation.command->name, " --help"));
      return kExitUsage;
    }
  }
  int exitCode = kExitFailed;
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] {
                auto io = kj::setupAsyncIo();
                Session session(io, commonOptions(), invocation.arguments, output);
                auto running = invocation.command->run(session);
                if (!invocation.command->takesLong) running = session.answer(kj::mv(running));
                exitCode = running.wait(io.waitScope);
                output.flush();
              })) {
    output.complain(explain(*exception));
    return kExitFailed;
  }
  return exitCode;
}

int run(kj::ArrayPtr<const kj::StringPtr> arguments, Output& output) {
  auto parsed = parseCommandLine(arguments, allCommands());
  KJ_SWITCH_ONEOF(parsed) {
    KJ_CASE_ONEOF(invocation, Invocation) {
      return runCommand(invocation, output);
    }
    KJ_CASE_ONEOF(help, HelpRequest) {
      output.write(helpText(help.topic, allCommands()));
      output.flush();
      return kExitOk;
    }
    KJ_CASE_ONEOF(version, VersionRequest) {
      output.write("cambium " CAMBIUM_VERSION "\n"_kj);
      output.flush();
      return kExitOk;
    }
    KJ_CASE_ONEOF(error, UsageError) {
      output.complain(error.message);
      return kExitUsage;
    }
  }
  KJ_UNREACHABLE;
}

}  // namespace
}  // namespace cambium::tools

int main(int argc, char** argv) {
  // A reader of standard output that has gone is an error of write(), which Output deals with.
  signal(SIGPIPE, SIG_IGN);
  kj::Vector<kj::StringPtr> arguments;
  for (int i = 1; i < argc; ++i)
    arguments.add(argv[i]);
  cambium::tools::Output output(STDOUT_FILENO, STDERR_FILENO);
  return cambium::tools::run(arguments, output);
}
