#pragma once

#include <kj/array.h>
#include <kj/time.h>

#include "client/admin.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "tools/inspect/inspect.h"
#include "tools/inspect/repair.h"
#include "tools/option_values.h"

// The command line's flags. They are gflags, but gflags parses nothing: command_line.h finds the commands and flags,
// then hands each value to setFlag(). The functions below turn flags into plain structs, once, at the start of a
// command; their errors are for people and mean wrong usage.

namespace cambium::tools {

// --- What there is
// -----------------------------------------------------------------------------------------------------

enum class FlagKind {
  kSwitch,  // true or false; --name alone means true
  kValue,   // one value; the last one given counts
  kList,    // values separated by commas; given twice, the lists are joined
};

// Null when there is no such flag.
kj::Maybe<FlagKind> flagKind(kj::StringPtr name);

struct FlagHelp {
  kj::String placeholder;   // what stands for the value, for example "N"; empty for a switch
  kj::String text;          // what it does
  kj::String defaultValue;  // empty when nothing, or nothing worth showing
};

// Splits "PLACEHOLDER: text", the form of all flag descriptions. `description` may replace the flag's own (when not
// empty).
FlagHelp flagHelp(kj::StringPtr name, kj::StringPtr description);

// Null on success, else what is wrong ("--partitions=many: expected a whole number"). The flag exists.
kj::Maybe<kj::String> setFlag(kj::StringPtr name, kj::StringPtr value);

// --- As options
// --------------------------------------------------------------------------------------------------------

struct CommonOptions {
  kj::String broker;  // from --broker, else CAMBIUM_BROKER, else the default address
  bool json;
  kj::Maybe<kj::Duration> timeout;  // for each wait; null: for ever
};
CommonOptions commonOptions();

struct TopicOptions {
  int32_t partitions;
  kj::Array<client::ConfigChange> changes;  // --config, then --reset
  kj::Maybe<int32_t> total;
  bool names;
  bool validateOnly;
  bool allConfigs;
};
Result<TopicOptions> topicOptions();

struct BrokerConfigOptions {
  kj::Array<client::ConfigChange> changes;  // --config, then --reset
  bool everyBroker;
};
Result<BrokerConfigOptions> brokerConfigOptions();

struct MoveOptions {
  kj::String engine;  // empty with `cancel`
  bool cancel;
  bool wait;
};
Result<MoveOptions> moveOptions();

struct ProduceOptions {
  kj::Maybe<kj::String> keySeparator;
  kj::Maybe<PartitionIndex> partition;
  kj::Array<HeaderText> headers;
  client::ProducerOptions producer;
};
Result<ProduceOptions> produceOptions();

struct ConsumeOptions {
  client::StartAt from;
  kj::Maybe<PartitionIndex> partition;
  kj::Maybe<uint64_t> recordsMax;
  bool exitAtEnd;
  kj::String format;  // for RecordFormat::parse(); ignored when `json`
  bool json;          // one object per line
  client::ConsumerOptions consumer;
};
Result<ConsumeOptions> consumeOptions();

struct RecordsOptions {
  kj::Maybe<PartitionIndex> partition;
  kj::Maybe<Offset> before;  // null: everything below the high watermark
};
Result<RecordsOptions> recordsOptions();

// Without the path.
Result<InspectOptions> inspectOptions();
// All but the data directory and the log.
RepairOptions repairOptions();

struct ResetOptions {
  client::ResetTarget to;
  kj::Maybe<PartitionIndex> partition;
  bool dryRun;
};
Result<ResetOptions> resetOptions();

struct PerfOptions {
  uint64_t records;
  uint32_t recordBytes;
  double recordsPerSecond;  // 0: as fast as it goes
  uint64_t keys;            // distinct ones; 0: no keys
  kj::Maybe<PartitionIndex> partition;
  client::StartAt from;
  bool follow;
  client::ProducerOptions producer;
  client::ConsumerOptions consumer;
};
Result<PerfOptions> perfOptions();

}  // namespace cambium::tools
