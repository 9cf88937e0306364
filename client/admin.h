#pragma once

#include <kj/one-of.h>

#include "client/connection.h"
#include "engine/base/error.h"
#include "engine/base/quantity.h"

namespace cambium::client {

// The device of the data directory.
struct DiskStatus {
  Bytes free, total;
  Bytes reserve;  // what clients leave alone; 0: no reserve
  bool full;      // nothing is appended, until there is room
  // Why nothing can be written at all, and what to do; empty when it can.
  kj::String readOnly;
};

struct OfflinePartition {
  kj::String partition;  // "words-0"
  Error error;           // why, and what to do
};

struct BrokerInfo {
  kj::String version;
  kj::String clusterId;
  int32_t brokerId;
  uint32_t cores;
  kj::String logEngine;
  kj::String stateEngine;
  DiskStatus disk;
  uint32_t partitions;
  uint32_t partitionsOffline;
  kj::Array<OfflinePartition> offline;  // the first of them
  Bytes unsyncedBytes;                  // of all partitions
  uint64_t unsyncedMs;                  // the age of the oldest of them
  Bytes ownMemory;
  Bytes mappedFiles;  // pages of files in memory, which the system takes back when it needs them
};

struct TopicSummary {
  kj::String name;
  kj::String id;
  int32_t partitions;
  kj::String engine;
  bool internal = false;  // the broker's own: it may be read, and nothing else
};

struct ConfigEntry {
  kj::String name;
  kj::String value;
  bool isDefault;
  kj::String documentation;
  kj::String type;  // boolean, string, int, long, double or list
  kj::String defaultValue;
  kj::String validValues;  // for people: "a whole number from 0 to 9"
  bool readOnly;           // cannot be altered
  kj::String source;       // topic, this broker, every broker, command line or default
};

// A partition on its way to another engine; it is served from where it was until it has arrived as a whole.
struct PartitionMove {
  enum class Phase : uint8_t {
    kWaiting,    // partitions of one loop go one after another
    kCopying,    // producers and consumers go on
    kSwitching,  // the last of it is copied; appends wait for a moment
    kCleaning,   // the log that is no longer needed is removed
    kFailed,     // given up until somebody asks again
  };
  kj::String to;
  Phase phase;
  Offset copiedUpTo;
  Bytes copied;
  Bytes total;  // that the log holds: about what there is to copy
  kj::String failure;
};

// The phase in lower case, for example "copying". Lives for ever.
kj::StringPtr phaseName(PartitionMove::Phase phase);

struct PartitionDescription {
  PartitionIndex index;
  kj::Maybe<Error> error;  // offline: why, and what to do
  Offset logStart;
  Offset highWatermark;
  Offset end;
  Offset durable;
  Bytes bytes;
  uint32_t extents;
  LeaderEpoch leaderEpoch;
  kj::String engine;
  uint32_t core;
  Offset cleanedUpTo;            // of compacted topics: records below were compacted; kNoOffset: none so far
  kj::String compactionFailure;  // why the last compaction came to nothing; empty: it did not
  kj::Maybe<PartitionMove> move{};
  Bytes unsyncedBytes;  // what a power loss would take, as far as is known
  uint64_t unsyncedMs;  // since the oldest of them was appended
};

struct TopicDescription {
  kj::String name;
  kj::String id;
  kj::Array<ConfigEntry> configs;              // all of them, sorted by name
  kj::Array<PartitionDescription> partitions;  // by index
};

struct ConfigChange {
  kj::String name;
  kj::Maybe<kj::String> value;  // null: back to the default
};

struct Earliest {};
struct Latest {};
struct MaxTimestamp {};
using OffsetSpec = kj::OneOf<Earliest, Latest, TimestampMs, MaxTimestamp>;

struct FoundOffset {
  Offset offset;          // kNoOffset: no record is that late
  TimestampMs timestamp;  // kNoTimestamp for Earliest and Latest
  LeaderEpoch leaderEpoch;
};

struct TopicPartition {
  kj::String topic;
  PartitionIndex partition;
};

struct GroupOffset {
  kj::String topic;
  PartitionIndex partition;
  Offset offset;  // of the next record to read; kNoOffset: nothing committed
  LeaderEpoch leaderEpoch = kNoLeaderEpoch;
  kj::String metadata;
  TimestampMs committedAt = kNoTimestamp;  // ignored when committing
};

struct GroupSummary {
  kj::String name;
  kj::String state;         // "Empty", "PreparingRebalance", "CompletingRebalance", "Stable"
  kj::String protocolType;  // "cambium", "consumer" (clients of the Kafka protocol); empty: only offsets
};

struct GroupMember {
  kj::String id;
  kj::String instance;  // of a static member; else empty
  kj::String clientName;
  kj::String host;
  kj::Array<TopicPartition> partitions;  // sorted; empty while the group divides
};

struct GroupDescription {
  kj::String name;
  kj::String state;
  kj::String protocolType;
  kj::String assignor;
  kj::Array<GroupMember> members;
};

// Where committed offsets move to; a timestamp is that of the first record that is at least so late.
struct Shift {
  int64_t by;  // from the committed offset, forward or (negative) back
};
using ResetTarget = kj::OneOf<Earliest, Latest, Offset, TimestampMs, Shift>;

struct OffsetChange {
  kj::String topic;
  PartitionIndex partition;
  Offset before;  // kNoOffset: nothing was committed
  Offset after;
};

// Everything that is neither producing nor consuming. Each call connects if need be and is made once: nothing is
// retried. Errors are the broker's, with its message; a lost connection and the like throw (see Connection::session).
class Admin {
 public:
  explicit Admin(Connection& connection) : connection_(connection) {}

  kj::Promise<BrokerInfo> info();
  kj::Promise<kj::Array<TopicSummary>> listTopics();  // sorted by name
  kj::Promise<Result<TopicDescription>> describeTopic(kj::String topic);

  // `validateOnly`: says what would happen and makes nothing.
  kj::Promise<Result<TopicSummary>> createTopic(kj::String topic, int32_t partitions,
                                                kj::Array<ConfigChange> configs = nullptr, bool validateOnly = false);
  kj::Promise<Result<void>> deleteTopic(kj::String topic);
  kj::Promise<Result<void>> addPartitions(kj::String topic, int32_t total);
  kj::Promise<Result<void>> alterTopic(kj::String topic, kj::Array<ConfigChange> changes);

  // All configs of the broker, sorted by name; or those alone that are set for every broker at once.
  kj::Promise<Result<kj::Array<ConfigEntry>>> describeBrokerConfig(bool everyBroker);
  // Sets configs of the broker (or of every broker) while it runs, or takes away what was set. All or none.
  kj::Promise<Result<void>> alterBrokerConfig(bool everyBroker, kj::Array<ConfigChange> changes);

  // Begins to move the topic's logs to another engine, or lets a move that failed try again; describeTopic() shows how
  // far it is.
  kj::Promise<Result<void>> moveTopic(kj::String topic, kj::String engine);
  // Back to where the topic came from. kNoReassignmentInProgress when there is nothing to cancel.
  kj::Promise<Result<void>> cancelMove(kj::String topic);

  kj::Promise<Result<FoundOffset>> findOffset(kj::String topic, PartitionIndex partition, OffsetSpec spec);
  // Null `before`: everything below the high watermark. Returns the new start of the log.
  kj::Promise<Result<Offset>> deleteRecords(kj::String topic, PartitionIndex partition, kj::Maybe<Offset> before);

  kj::Promise<Result<kj::Array<GroupSummary>>> listGroups();  // with members or committed offsets; sorted by name
  kj::Promise<Result<GroupDescription>> describeGroup(kj::String group);
  // With its offsets. kNonEmptyGroup while it has members.
  kj::Promise<Result<void>> deleteGroup(kj::String group);
  // Moves what is committed, within what can be read; an empty `partitions` means all for which something is.
  // `validateOnly`: says what would change and changes nothing. kNonEmptyGroup while the group has members.
  kj::Promise<Result<kj::Array<OffsetChange>>> resetOffsets(kj::String group, kj::Array<TopicPartition> partitions,
                                                            ResetTarget to, bool validateOnly = false);
  // An empty `partitions` asks for all that the group has, sorted.
  kj::Promise<Result<kj::Array<GroupOffset>>> fetchOffsets(kj::String group,
                                                           kj::Array<TopicPartition> partitions = nullptr);
  kj::Promise<Result<void>> commitOffsets(kj::String group, kj::Array<GroupOffset> offsets);
  kj::Promise<Result<void>> deleteOffsets(kj::String group, kj::Array<TopicPartition> partitions);

 private:
  Connection& connection_;
};

}  // namespace cambium::client
