#pragma once

#include <deque>

#include "client/consumer.h"
#include "client/fetched_chunk.h"
#include "client/topic_access.h"
#include "engine/base/wait_list.h"

// Private to the library: reading ahead in one partition.

namespace cambium::client {

class PartitionReader final {
 public:
  class Events {
   public:
    // There are new records, an error, or a new high watermark.
    virtual void arrived() = 0;
    // So many bytes were added to (or, negative, taken out of) what waits to be polled.
    virtual void buffered(int64_t bytes) = 0;
    // False when all partitions together hold as much as they may.
    virtual bool hasRoom() const = 0;

   protected:
    ~Events() = default;
  };

  // Begins at once. What is given by reference outlives the reader.
  PartitionReader(Connection& connection, const ConsumerOptions& options, Events& events, kj::String topic,
                  PartitionIndex partition, Offset start);
  ~PartitionReader() noexcept(false);
  KJ_DISALLOW_COPY(PartitionReader);

  // Moves up to `recordsMax` records into `out`; an error ends the reading of this partition until seek().
  void take(ConsumedRecords& out, size_t recordsMax);
  // The error that ended it, once.
  kj::Maybe<Error> takeError();
  void seek(Offset offset);
  // There may be room again.
  void wake();

  kj::StringPtr topic() const { return topic_; }
  PartitionIndex partition() const { return partition_; }
  bool hasChunks() const { return !chunks_.empty(); }
  PartitionPosition position() const {
    // Not failed yet while somebody has to be told why.
    return {topic_, partition_, position_, highWatermark_, paused, failed_ && error_ == nullptr};
  }

  bool paused = false;

 private:
  class Sink;

  void start();
  void fail(Error error);
  void add(FetchedChunk chunk, Offset nextOffset);
  void dropChunks();
  bool isFull() const;
  kj::Promise<void> run();
  kj::Promise<Result<void>> ensureOpen();
  kj::Promise<Result<void>> readOnce();
  kj::Promise<Result<void>> receivePushes();
  kj::Promise<Result<void>> moveIntoRange();

  Connection& connection_;
  kj::Timer& timer_;
  const ConsumerOptions& options_;
  Events& events_;
  const kj::String topic_;
  const PartitionIndex partition_;

  Offset position_;     // of the next record to give out
  Offset fetchOffset_;  // of the next record to ask for
  Offset highWatermark_ = kNoOffset;
  bool failed_ = false;
  kj::Maybe<Error> error_;
  std::deque<FetchedChunk> chunks_;
  size_t chunkBytes_ = 0;
  Backoff backoff_;
  kj::Maybe<Access<rpc::Partition::Client>> access_;
  WaitList roomWaiters_;
  kj::Maybe<kj::Promise<void>> run_;  // last: it uses the rest
};

}  // namespace cambium::client
