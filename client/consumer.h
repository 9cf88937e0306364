#pragma once

#include <kj/one-of.h>

#include "client/connection.h"
#include "client/record.h"
#include "engine/base/error.h"

namespace cambium::client {

// Where to begin reading a partition.
struct FromBeginning {};
struct FromEnd {};
struct FromTimestamp {
  TimestampMs timestamp;  // the first record that is at least so late; the end when there is none
};
struct FromCommitted {
  bool elseEnd = false;  // where the group has committed nothing: the end, or (false) the beginning
};
using StartAt = kj::OneOf<FromBeginning, FromEnd, Offset, FromTimestamp, FromCommitted>;

struct Assignment {
  kj::String topic;
  PartitionIndex partition;
  StartAt start = FromBeginning{};
};

enum class OutOfRange {
  kFail,       // poll() answers kOffsetOutOfRange and the partition stops
  kBeginning,  // go on at the start of the log
  kEnd,        // go on at its end
};

enum class Transfer {
  kRead,  // one long-polling read per partition
  kPush,  // the broker pushes (Partition.subscribe)
};

struct ConsumerOptions {
  kj::String group = nullptr;  // for FromCommitted and commit(); empty: none
  Transfer transfer = Transfer::kRead;
  uint32_t fetchBytesMax = 1 << 20;                // of one read; a larger batch comes whole
  uint32_t fetchWaitMsMax = 500;                   // how long the broker holds a read open when there is nothing
  uint64_t prefetchBytesPerPartition = 2 << 20;    // read on while less than this waits to be polled …
  uint64_t prefetchBytesMax = uint64_t{64} << 20;  // … and less than this of all partitions together
  OutOfRange outOfRange = OutOfRange::kFail;
  bool checkCrc = true;          // of every batch, against damage on the way
  uint32_t retryBackoffMs = 50;  // after a refusal (overloaded broker); doubles up to 1 s
};

struct PollOptions {
  size_t recordsMax = 1'000;
  uint32_t waitMsMax = 500;  // for the first record
  bool returnAtEnd = false;  // also answer, with nothing, as soon as every partition has been read to its end
};

struct PartitionPosition {
  kj::StringPtr topic;  // lives as long as the assignment
  PartitionIndex partition;
  Offset position;       // of the next record that poll() will give
  Offset highWatermark;  // as last told by the broker; kNoOffset: not yet
  bool paused;
  bool failed;  // stopped by an error that poll() gave out; seek() starts it again
  // Everything readable has been given out.
  bool atEnd() const { return highWatermark != kNoOffset && position >= highWatermark; }
};

// Reads partitions of topics. Keeps reading ahead within bounds, survives lost connections (goes on at the next offset;
// nothing is given out twice or left out), and takes batches apart here, not on the broker.
class Consumer {
 public:
  Consumer(Connection& connection, ConsumerOptions options);
  ~Consumer() noexcept(false);
  KJ_DISALLOW_COPY(Consumer);

  // Replaces what is read. Finds the starting offsets, waiting for the broker, then begins to read ahead. On an error
  // (which topic or partition there is not, …) nothing is assigned.
  kj::Promise<Result<void>> assign(kj::Array<Assignment> assignments);
  // All partitions of a topic; the same as assign() with one Assignment for each.
  kj::Promise<Result<void>> assignTopic(kj::String topic, StartAt start);

  // Up to recordsMax records, as soon as there is one; fair among partitions. Empty when the wait is over. An Error
  // concerns one partition, which it names and which stops (see PartitionPosition::failed); the next poll goes on with
  // the others. One poll at a time.
  kj::Promise<Result<ConsumedRecords>> poll(PollOptions options);

  // What poll() has given out is dealt with: stores the positions for the group. `metadata` is the caller's own, up to
  // 4096 bytes.
  kj::Promise<Result<void>> commit(kj::String metadata = nullptr);

  // Goes on at `offset`: what was read ahead is dropped. kUnknownTopicOrPartition when it is not assigned.
  Result<void> seek(kj::StringPtr topic, PartitionIndex partition, Offset offset);
  // poll() leaves the partition out; reading ahead stops at its bound.
  Result<void> pause(kj::StringPtr topic, PartitionIndex partition);
  Result<void> resume(kj::StringPtr topic, PartitionIndex partition);

  // Sorted as assigned.
  kj::Array<PartitionPosition> positions() const;
  // True when every partition that is neither paused nor failed is at its end, and at least one is assigned.
  bool atEnd() const;

  class Impl;

 private:
  kj::Own<Impl> impl_;
};

}  // namespace cambium::client
