#pragma once

#include "engine/metadata/topic_records.h"

namespace cambium {

// Where the log of one partition is and where it belongs, as the metadata store has it. Plain data that may cross
// loops.
struct LogPlacement {
  kj::String engine;       // of the log in charge
  kj::String otherEngine;  // that may hold another log of the partition; empty: none
  kj::String wanted;       // where the log belongs
  uint32_t attempt;        // counts the wishes for a move

  bool atRest() const { return engine == wanted && otherEngine.size() == 0; }
  LogPlacement clone() const { return {kj::str(engine), kj::str(otherEngine), kj::str(wanted), attempt}; }
};

// Names a partition to the store.
struct PlacedPartition {
  kj::String topic;
  Uuid id;  // of the topic
  int32_t index;

  PlacedPartition clone() const { return {kj::str(topic), id, index}; }
  LogId logId() const { return {partitionName(topic, index), id}; }
};

// The placements of all logs, in the records of their topics. Only the loop that owns a partition changes where its log
// is, one step after the other; where it belongs is changed by whoever alters the topic. Lives on the loop of the
// store.
class LogPlacements {
 public:
  explicit LogPlacements(MetadataStore& store) : store_(store) {}

  // kUnknownTopicOrPartition when the topic was deleted.
  kj::Promise<Result<LogPlacement>> find(PlacedPartition partition);
  // From `before` to `engine` and `otherEngine`, durable when it is done. kInvalidRequest, and nothing is changed, when
  // the store has anything else than `before`, where the log belongs included: a switch cannot come behind a cancel.
  kj::Promise<Result<void>> change(PlacedPartition partition, LogPlacement before, kj::String engine,
                                   kj::String otherEngine);

 private:
  MetadataStore& store_;
};

}  // namespace cambium
