#include "tools/help.h"

#include <kj/debug.h>
#include <kj/vector.h>

#include "tools/command_line.h"
#include "tools/flags.h"

namespace cambium::tools {
namespace {

constexpr size_t kColumns = 100;

void add(kj::Vector<char>& out, kj::ArrayPtr<const char> text) {
  out.addAll(text);
}

kj::String finish(kj::Vector<char>& out) {
  out.add('\0');
  return kj::String(out.releaseAsArray());
}

// Appends `text` from column `column` on, broken at spaces, further lines indented to `indent`.
void addWrapped(kj::Vector<char>& out, kj::StringPtr text, size_t column, size_t indent) {
  kj::ArrayPtr<const char> rest = text;
  bool lineIsEmpty = true;
  while (rest.size() > 0) {
    size_t end = 0;
    while (end < rest.size() && rest[end] != ' ')
      ++end;
    if (!lineIsEmpty && column + 1 + end > kColumns) {
      out.add('\n');
      for (size_t i = 0; i < indent; ++i)
        out.add(' ');
      column = indent;
      lineIsEmpty = true;
    }
    if (!lineIsEmpty) {
      out.add(' ');
      ++column;
    }
    add(out, rest.slice(0, end));
    column += end;
    lineIsEmpty = false;
    rest = rest.slice(kj::min(end + 1, rest.size()), rest.size());
  }
  out.add('\n');
}

void addFlag(kj::Vector<char>& out, const FlagUse& use) {
  constexpr size_t kIndent = 6;
  auto help = flagHelp(use.name, use.description);
  add(out, kj::str("  --", use.name, help.placeholder.size() > 0 ? "=" : "", help.placeholder, "\n      "));
  auto suffix = use.required                   ? kj::str(" (required)")
                : help.defaultValue.size() > 0 ? kj::str(" (default: ", help.defaultValue, ")")
                                               : kj::str();
  // The default of a switch that is off says nothing.
  if (help.placeholder.size() == 0) suffix = kj::str();
  addWrapped(out, kj::str(help.text, suffix), kIndent, kIndent);
}

kj::String commandHelp(const Command& command) {
  kj::Vector<char> out;
  add(out, kj::str("Usage: cambium ", command.name, command.arguments.size() > 0 ? " " : "", command.arguments,
                   " [flags]\n\n", command.summary, ".\n"));
  if (command.details.size() > 0) add(out, kj::str("\n", command.details));
  if (command.flags.size() > 0) add(out, "\nFlags:\n"_kj);
  for (auto& flag : command.flags)
    addFlag(out, flag);
  add(out, "\nFlags of every command:\n"_kj);
  for (auto& flag : commonFlags())
    addFlag(out, flag);
  add(out, "  --help\n      print this text\n"_kj);
  return finish(out);
}

void addCommandList(kj::Vector<char>& out, kj::StringPtr prefix, kj::ArrayPtr<const Command> commands) {
  size_t width = 0;
  for (auto& command : commands) {
    if (command.name.startsWith(prefix)) width = kj::max(width, command.name.size());
  }
  for (auto& command : commands) {
    if (!command.name.startsWith(prefix)) continue;
    add(out, kj::str("  ", command.name));
    for (size_t i = command.name.size(); i < width + 2; ++i)
      out.add(' ');
    addWrapped(out, command.summary, width + 4, width + 4);
  }
}

}  // namespace

kj::String helpText(kj::StringPtr topic, kj::ArrayPtr<const Command> commands) {
  for (auto& command : commands) {
    if (command.name == topic) return commandHelp(command);
  }
  kj::Vector<char> out;
  if (topic.size() > 0) {
    add(out, kj::str("Usage: cambium ", topic, " COMMAND …\n\nCommands:\n"));
    addCommandList(out, kj::str(topic, ' '), commands);
    add(out, kj::str("\nMore about one of them: cambium ", topic, " COMMAND --help\n"));
    return finish(out);
  }
  add(out, "Usage: cambium COMMAND …\n\nThe command line of the Cambium log broker.\n\nCommands:\n"_kj);
  addCommandList(out, nullptr, commands);
  add(out, "\nFlags of every command:\n"_kj);
  for (auto& flag : commonFlags())
    addFlag(out, flag);
  add(out,
      "  --help\n      print help about a command or a group of commands\n"
      "  --version\n      print the version\n"
      "\nFlags may stand before or after arguments. Exit code: 0 done, 1 failed, 2 wrong usage.\n"
      "More about one command: cambium COMMAND --help\n"_kj);
  return finish(out);
}

}  // namespace cambium::tools
