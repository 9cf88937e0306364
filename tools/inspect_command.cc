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

kj::Promise<int> mend(Session& session) {
  auto options = repairOptions();
  options.dataDir = kj::str(session.argument(0));
  options.log = kj::str(session.argument(1));
  int ways = (options.cut ? 1 : 0) + (options.copyTo != nullptr ? 1 : 0) + (options.recreate ? 1 : 0);
  if (ways > 1) co_return session.wrongUsage("give one of --cut, --copy_to and --recreate");
  if (options.apply && ways == 0) {
    co_return session.wrongUsage("--apply needs to know how: give --cut, --copy_to=DIR or --recreate");
  }
  co_return repair(options, session.out());
}

constexpr FlagUse kRepairFlags[] = {{"cut"_kj}, {"copy_to"_kj}, {"recreate"_kj}, {"apply"_kj}};

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
      {"inspect repair"_kj, "DATA_DIR LOG"_kj, "Mend a log that is damaged before its end"_kj,
       "LOG is a partition's log, TOPIC-PARTITION, as `cambium inspect` names it. The broker must be stopped. Says "
       "what "
       "is\n"
       "damaged, what can be read before and behind it, and what each way out keeps and loses:\n"
       "\n"
       "--cut ends the log where the damage begins. What was there from then on is kept aside.\n"
       "--copy_to makes a new log, in a native store in a folder of its own, of everything that can be read; empty\n"
       "batches hold the place of what is lost, so that all other records keep their offsets.\n"
       "--recreate is for a log of the native engine whose folder or files are gone: it begins anew, empty, where it "
       "was\n"
       "last known to end. What is left of it is kept aside.\n"
       "\n"
       "Nothing is changed without --apply, which goes with one of them, and nothing is ever deleted. Exit code 0:\n"
       "nothing to repair, or it was said or done; 1: it could not be done; 2: wrong usage, or no such log.\n"_kj,
       2, 2, kRepairFlags, mend},
  };
  return commands;
}

}  // namespace cambium::tools
