#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include "client/producer.h"
#include "engine/record/batch_builder.h"

// Private to the library: records on their way out.

namespace cambium::client {

// What the producer keeps of a record once it is encoded: who waits for it and what it weighs.
struct OutgoingAck {
  kj::Own<kj::PromiseFulfiller<Result<Delivered>>> fulfiller;
  TimestampMs timestamp;
  uint64_t flushEpoch;    // the flush() that waits for it; see Producer::Impl
  uint32_t bytesCharged;  // against ProducerOptions::bufferBytesMax
};

// A record that cannot be encoded yet: there is no room, or its topic's partitions are not known.
struct WaitingRecord {
  static WaitingRecord copy(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack);
  // Borrows from this.
  RecordToSend view() const;

  kj::String topic;
  kj::Maybe<PartitionIndex> partition;
  kj::Maybe<kj::Array<kj::byte>> key;
  kj::Maybe<kj::Array<kj::byte>> value;
  kj::Array<kj::byte> headerBytes;
  kj::Array<Header> headers;  // views into headerBytes
  kj::TimePoint deadline;
  OutgoingAck ack;
};

// Records of one partition, encoded as they come; sealed (and compressed) when they go out, and then kept for retries.
class OutgoingBatch {
 public:
  OutgoingBatch(Codec codec, kj::TimePoint deadline, kj::TimePoint dueAt, uint64_t number)
      : deadline(deadline), dueAt(dueAt), number(number), builder_(BatchOptions{.codec = codec}) {}

  void add(kj::Maybe<ByteView> key, kj::Maybe<ByteView> value, kj::ArrayPtr<const Header> headers, OutgoingAck ack) {
    builder_.add(ack.timestamp, key, value, headers);
    acks.add(kj::mv(ack));
  }
  // Encoded size so far, before compression.
  size_t sizeBytes() const { return builder_.sizeBytes(); }
  // The batch as it goes out; the first call ends adding.
  ByteView sealed() {
    if (bytes_.size() == 0) bytes_ = builder_.finish();
    return bytes_;
  }

  const kj::TimePoint deadline;  // of its first record
  const kj::TimePoint dueAt;     // when lingering ends
  const uint64_t number;         // in its partition, ascending
  bool closed = false;           // takes no more records, goes as soon as may be
  uint32_t attempts = 0;
  bool handedOver = false;  // given to a connection at least once
  kj::Vector<OutgoingAck> acks;

 private:
  BatchBuilder builder_;
  kj::Array<kj::byte> bytes_;
};

}  // namespace cambium::client
