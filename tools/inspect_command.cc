#include "tools/command.h"
#include "tools/inspect/inspect.h"
#include "tools/session.h"

namespace cambium::tools {
namespace {

kj::Promise<int> look(Session& session) {
  auto options = inspectOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  options.value().path = kj::str(session.argument(0));
  co_return inspect(options.value(), session.out());
}

constexpr FlagUse kFlags[] = {
    {"verify"_kj},
    {"batches"_kj},
    {"deep"_kj},
    {"entries"_kj},
    {"topic"_kj},
    {"partition"_kj, "N: of a store, only this partition of each topic"_kj},
    {"from"_kj, "OFFSET: only batches that end at this offset or behind it"_kj},
    {"to"_kj},
    {"max_batches"_kj},
};

}  // namespace

kj::ArrayPtr<const Command> inspectCommands() {
  static const Command commands[] = {
      {"inspect"_kj, "PATH"_kj, "Show and check what lies on disk, without a broker"_kj,
       "PATH is a data directory, its native/ or rocksdb/ folder, the folder of a partition or of tables, or one "
       "file:\n"
       ".log, .index, .timeindex, .journal, .snapshot, log-state or recovery-checkpoint. Which it is, the command\n"
       "finds out. Nothing is changed or locked; a broker may run meanwhile.\n"
       "\n"
       "Of a store it shows logs, segments or extents, topics and committed offsets; of a .log its batches; of an "
       "index\n"
       "its entries. With --from, --to or --max_batches those batches of every log.\n"
       "\n"
       "--verify prints what is wrong, one line each: the file, the position in it, the base offset of the batch, "
       "what\n"
       "was expected and what was found. Notes are no errors: a broker that was killed leaves an end that its next\n"
       "start cuts. Exit code 0: all is well; 1: something is wrong; 2: wrong usage, or nothing known at PATH.\n"_kj,
       1, 1, kFlags, look},
  };
  return commands;
}

}  // namespace cambium::tools
