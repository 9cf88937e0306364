#pragma once

#include <kj/time.h>

#include "client/connection.h"
#include "client/partitioner.h"
#include "client/record.h"
#include "engine/base/error.h"
#include "engine/record/batch_view.h"

namespace cambium::client {

enum class Acks {
  kAll,     // as safe as the topic's `durability` promises
  kLeader,  // written by the leader
  kNone,    // sent once: settled by whatever the broker answers, or when it is lost with the connection
};

struct ProducerOptions {
  Acks acks = Acks::kAll;
  Codec codec = Codec::kNone;  // batches are compressed here, not by the broker
  // A batch goes when it is full, when its first record is this old, or when somebody flushes. 0: at the end of this
  // turn of the event loop. While as many batches of a partition are on the way as may be, its next batch goes on
  // filling.
  uint32_t lingerMs = 5;
  uint32_t batchBytesMax = 256 << 10;            // records of one batch, before compression; a larger record goes alone
  uint64_t bufferBytesMax = uint64_t{32} << 20;  // records not yet acknowledged; above it sends wait
  // With 1 (the default) the acknowledged records of a partition are there for the first time in the order of the
  // calls, whatever fails; a second copy (see Producer) may stand later, behind records that follow it. With more, a
  // batch that the broker refuses for a moment (overloaded, disk full) can be overtaken by those already on the way.
  uint32_t inFlightPerPartitionMax = 1;
  uint32_t deliveryTimeoutMs = 120'000;  // from send() to the acknowledgement, retries included
  uint32_t retriesMax = kj::maxValue;    // per batch; the delivery timeout usually decides
  uint32_t retryBackoffMs = 50;          // after a refusal; doubles …
  uint32_t retryBackoffMsMax = 1'000;    // … up to this
  uint32_t metadataAgeMsMax = 300'000;   // how late added partitions are noticed
  PartitionerKind partitioner = PartitionerKind::kSticky;
};

struct Delivered {
  PartitionIndex partition;
  Offset offset;          // kNoOffset with Acks::kNone
  TimestampMs timestamp;  // as stored: the record's, or the broker's where the topic says so
};

struct ProducerStats {
  uint64_t recordsAccepted = 0;   // given to send()
  uint64_t recordsDelivered = 0;  // acknowledged (with Acks::kNone: settled, received or not)
  uint64_t recordsFailed = 0;
  uint64_t batchesDelivered = 0;
  uint64_t batchesRetried = 0;   // attempts that failed and were made again
  uint64_t bytesDelivered = 0;   // batches as sent, compressed
  uint64_t bytesBuffered = 0;    // records not yet settled, now
  uint64_t recordsBuffered = 0;  // the same, as a count
};

// Writes records into topics: gathers them into batches per partition, compresses, sends, retries. At-least-once: what
// was on the way when a connection broke is sent again and may then be there twice; the broker may take the bytes of
// the old connection as late as after those of the new one. With Acks::kNone at-most-once: what a connection loses is
// not sent again.
//
// Retried until the delivery timeout: lost connections, and the broker's overloaded, kStorageError (disk full),
// kNotLeaderOrFollower, kThrottlingQuotaExceeded, kBrokerNotAvailable and kRequestTimedOut. Everything else fails the
// batch.
class Producer {
 public:
  // `clock` gives records their time where the caller does not.
  Producer(Connection& connection, const kj::Clock& clock, ProducerOptions options);
  // Records that are not settled are dropped; flush() or close() first. Their promises fail.
  ~Producer() noexcept(false);
  KJ_DISALLOW_COPY(Producer);

  // Copies the record and resolves when it is acknowledged as `acks` asks, or has failed for good. A dropped promise
  // takes nothing back: the record goes all the same, and flush() reports its failure. Records of one partition keep
  // the order of the calls. While the buffer is full, the record waits (in memory too): await whenRoom() before the
  // next one.
  kj::Promise<Result<Delivered>> send(RecordToSend record);

  // Resolves when fewer than bufferBytesMax bytes wait: the back-pressure for whoever sends without awaiting each
  // promise.
  //
  //     while (readLine(line)) {
  //       co_await producer.whenRoom();
  //       tasks.add(report(producer.send({.topic = "words"_kj, .value = line.asBytes()})));
  //     }
  //     auto result = co_await producer.flush();
  kj::Promise<void> whenRoom();

  // Sends what is there without lingering, and resolves when everything sent before this call is settled: with the
  // first failure since the last flush(), if there was one.
  kj::Promise<Result<void>> flush();

  // flush(), after which send() answers kInvalidRequest.
  kj::Promise<Result<void>> close();

  ProducerStats stats() const;
  // Why the last attempt failed that is made again; null when something was acknowledged since.
  kj::Maybe<Error> lastProblem() const;

  class Impl;

 private:
  kj::Own<Impl> impl_;
};

}  // namespace cambium::client
