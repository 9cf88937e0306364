#include "tools/command.h"
#include "tools/perf.h"

namespace cambium::tools {
namespace {

constexpr FlagUse kProduceFlags[] = {
    {"records"_kj},
    {"record_bytes"_kj},
    {"rate"_kj},
    {"keys"_kj},
    {"partition"_kj, "N: put all records into this partition (default: the partitioner decides)"_kj},
    {"partitioner"_kj},
    {"acks"_kj},
    {"compression"_kj},
    {"linger_ms"_kj},
    {"batch_bytes"_kj},
    {"buffer_bytes"_kj, "BYTES: records that may wait for their acknowledgement; then sending waits"_kj},
    {"delivery_timeout_ms"_kj},
};

constexpr FlagUse kConsumeFlags[] = {
    {"records"_kj, "N: stop after so many records"_kj},
    {"from"_kj},
    {"partition"_kj},
    {"follow"_kj, "wait for further records at the end, until there were --records or Ctrl-C"_kj},
    {"transfer"_kj},
};

}  // namespace

kj::ArrayPtr<const Command> perfCommands() {
  static const Command commands[] = {
      {"perf produce"_kj, "TOPIC"_kj, "Load test: write records and measure"_kj,
       "Writes --records records of --record_bytes random bytes. Latency is the time from a record's sending to its\n"
       "acknowledgement. With --rate records are due on a schedule which does not wait for answers, and latency "
       "counts\n"
       "from the moment a record was due: a stall shows in all records that it delayed. Without, the client's buffer "
       "is\n"
       "always full, and latency is mostly the time spent in it.\n"_kj,
       1, 1, kProduceFlags, perfProduce, true},
      {"perf consume"_kj, "TOPIC"_kj, "Load test: read records and measure"_kj,
       "Reads until --records, or until the end as it was at the start. Latency is how long each poll took; with "
       "--follow\n"
       "also how old records were when they came (by their timestamps, hence by the clocks of both machines).\n"_kj,
       1, 1, kConsumeFlags, perfConsume, true},
  };
  return commands;
}

}  // namespace cambium::tools
