#include "tools/command.h"
#include "tools/completion_script.h"
#include "tools/session.h"

namespace cambium::tools {
namespace {

kj::Promise<int> complete(Session& session) {
  if (session.argument(0) != "bash") {
    co_return session.wrongUsage(kj::str("no completion for \"", session.argument(0), "\"; there is one for bash"));
  }
  session.out().write(bashCompletion(allCommands()));
  co_return session.done();
}

}  // namespace

kj::ArrayPtr<const Command> completionCommands() {
  static const Command commands[] = {
      {"completion"_kj, "bash"_kj, "Print a script that completes this command in the shell"_kj,
       "  source <(cambium completion bash)\n"_kj, 1, 1, nullptr, complete},
  };
  return commands;
}

}  // namespace cambium::tools
