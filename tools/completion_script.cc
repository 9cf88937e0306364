#include "tools/completion_script.h"

#include <kj/vector.h>

#include "tools/command_line.h"
#include "tools/flags.h"

namespace cambium::tools {
namespace {

// Everything that does not depend on the commands. It uses the functions that are generated before it:
// _cambium_words WORDS (what may follow them), _cambium_flags COMMAND, _cambium_values FLAG (its choices),
// _cambium_is_switch FLAG (it takes no value), _cambium_takes_topic COMMAND (as its first argument).
constexpr kj::StringPtr kScript = R"script(
_cambium() {
  # Not COMP_WORDS: bash cuts those at '=' and ':'.
  local line="${COMP_LINE:0:COMP_POINT}" cur="" pending="" broker="" token values following command
  local tokens=() words=() command_words=()
  read -ra tokens <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    cur="${tokens[-1]}"
    unset 'tokens[-1]'
  fi
  for token in "${tokens[@]:1}"; do
    if [[ -n $pending ]]; then
      [[ $pending == --broker ]] && broker="$token"
      pending=""
    elif [[ $token == --*=* ]]; then
      [[ $token == --broker=* ]] && broker="${token#*=}"
    elif [[ $token == --* ]]; then
      _cambium_is_switch "$token" || pending="$token"
    else
      words+=("$token")
    fi
  done
  if [[ $cur == --*=* ]]; then
    pending="${cur%%=*}"
    cur="${cur#*=}"
  fi
  if [[ -n $pending ]]; then
    values="$(_cambium_values "$pending")"
    if [[ -n $values ]]; then
      COMPREPLY=($(compgen -W "$values" -- "$cur"))
    else
      COMPREPLY=($(compgen -f -- "$cur"))
    fi
    return
  fi
  command="${words[*]:0:2}"
  [[ -z $(_cambium_flags "$command") ]] && command="${words[0]-}"
  if [[ $cur == --* ]]; then
    COMPREPLY=($(compgen -W "$(_cambium_flags "$command") --help" -- "$cur"))
    return
  fi
  following="$(_cambium_words "${words[*]}")"
  if [[ -n $following ]]; then
    COMPREPLY=($(compgen -W "$following" -- "$cur"))
    return
  fi
  command_words=($command)
  if [[ ${#words[@]} -eq ${#command_words[@]} ]] && _cambium_takes_topic "$command"; then
    COMPREPLY=($(compgen -W "$(cambium topic list --names ${broker:+--broker="$broker"} 2>/dev/null)" -- "$cur"))
    return
  fi
  COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o filenames -F _cambium cambium
)script"_kj;

class Script {
 public:
  explicit Script(kj::ArrayPtr<const Command> commands) : commands_(commands) {}

  kj::String render() {
    add("# bash completion for cambium. Load it with: source <(cambium completion bash)\n");
    addWords();
    addFlags();
    addValues();
    addSwitches();
    addTopics();
    add(kScript);
    out_.add('\0');
    return kj::String(out_.releaseAsArray());
  }

 private:
  void add(kj::StringPtr text) { out_.addAll(text); }

  // A function that prints the text of the first case which its argument is.
  void beginCases(kj::StringPtr function) { add(kj::str("\n", function, "() {\n  case \"$1\" in\n")); }
  void endCases() { add("  esac\n}\n"); }

  void addWords() {
    kj::Vector<kj::String> groups;
    kj::String first = kj::str();
    for (auto& command : commands_) {
      kj::String word = kj::str(command.name);
      KJ_IF_MAYBE(space, command.name.findFirst(' ')) word = kj::str(command.name.slice(0, *space));
      if (!groups.empty() && groups.back() == word) continue;
      first = kj::str(first, first.size() > 0 ? " " : "", word);
      groups.add(kj::mv(word));
    }
    beginCases("_cambium_words");
    add(kj::str("    \"\") echo \"", first, "\" ;;\n"));
    for (auto& group : groups) {
      auto prefix = kj::str(group, ' ');
      auto seconds = kj::str();
      for (auto& command : commands_) {
        if (command.name.startsWith(prefix)) seconds = kj::str(seconds, ' ', command.name.slice(prefix.size()));
      }
      if (seconds.size() > 0) add(kj::str("    \"", group, "\") echo \"", seconds.slice(1), "\" ;;\n"));
    }
    endCases();
  }

  void addFlags() {
    beginCases("_cambium_flags");
    for (auto& command : commands_) {
      auto flags = kj::str();
      for (auto list : {command.flags, commonFlags()}) {
        for (auto& flag : list)
          flags = kj::str(flags, " --", flag.name);
      }
      add(kj::str("    \"", command.name, "\") echo \"", flags.slice(1), "\" ;;\n"));
    }
    endCases();
  }

  void addValues() {
    beginCases("_cambium_values");
    kj::Vector<kj::StringPtr> seen;
    for (auto& command : commands_) {
      for (auto& flag : command.flags) {
        bool again = false;
        for (auto& name : seen)
          again = again || name == flag.name;
        auto choice = choiceOf(flag);
        if (again || choice.size() == 0) continue;
        seen.add(flag.name);
        add(kj::str("    --", flag.name, ") echo \"", choice, "\" ;;\n"));
      }
    }
    endCases();
  }

  // "all leader none" for a flag whose placeholder is "all|leader|none"; parts in capitals stand for free text.
  static kj::String choiceOf(const FlagUse& flag) {
    auto placeholder = flagHelp(flag.name, flag.description).placeholder;
    kj::Vector<char> choice;
    kj::Vector<char> part;
    bool isChoice = false;
    auto finishPart = [&] {
      bool isWord = !part.empty();
      for (char c : part)
        isWord = isWord && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_');
      if (isWord) {
        if (!choice.empty()) choice.add(' ');
        choice.addAll(part);
      }
      part.clear();
    };
    for (char c : placeholder) {
      if (c != '|') {
        part.add(c);
        continue;
      }
      isChoice = true;
      finishPart();
    }
    finishPart();
    return isChoice ? kj::str(choice.asPtr()) : kj::str();
  }

  void addSwitches() {
    beginCases("_cambium_is_switch");
    add("    --help|--version");
    kj::Vector<kj::StringPtr> seen;
    auto addIfSwitch = [&](const FlagUse& flag) {
      for (auto& name : seen) {
        if (name == flag.name) return;
      }
      seen.add(flag.name);
      auto kind = flagKind(flag.name);
      bool isSwitch = kind.map([](FlagKind k) { return k == FlagKind::kSwitch; }).orDefault(false);
      if (isSwitch) add(kj::str("|--", flag.name));
    };
    for (auto& command : commands_) {
      for (auto& flag : command.flags)
        addIfSwitch(flag);
    }
    for (auto& flag : commonFlags())
      addIfSwitch(flag);
    add(") return 0 ;;\n    *) return 1 ;;\n");
    endCases();
  }

  void addTopics() {
    beginCases("_cambium_takes_topic");
    for (auto& command : commands_) {
      bool takesTopic =
          command.arguments.startsWith("TOPIC") ||
          (command.name.startsWith("topic ") && command.name != "topic create" && command.arguments.startsWith("NAME"));
      if (takesTopic) add(kj::str("    \"", command.name, "\") return 0 ;;\n"));
    }
    add("    *) return 1 ;;\n");
    endCases();
  }

  kj::ArrayPtr<const Command> commands_;
  kj::Vector<char> out_;
};

}  // namespace

kj::String bashCompletion(kj::ArrayPtr<const Command> commands) {
  return Script(commands).render();
}

}  // namespace cambium::tools
