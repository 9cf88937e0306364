#pragma once

#include <kj/array.h>
#include <kj/vector.h>

#include "engine/record/record.h"

namespace cambium::client {

// One header of a record: a key (bytes, text by convention, never null) and a value or null.
using Header = RecordHeader;

// A record on its way to the broker. Everything is borrowed until Producer::send() returns, which copies it.
struct RecordToSend {
  kj::StringPtr topic;
  kj::Maybe<PartitionIndex> partition = nullptr;  // null: the producer's partitioner decides
  kj::Maybe<ByteView> key = nullptr;              // null: no key
  kj::Maybe<ByteView> value = nullptr;            // null: a tombstone on compacted topics
  kj::ArrayPtr<const Header> headers = nullptr;
  kj::Maybe<TimestampMs> timestamp = nullptr;  // null: the producer's clock
};

// A record that was read. Borrowed from the ConsumedRecords that holds it.
struct ConsumedRecord {
  kj::StringPtr topic;
  PartitionIndex partition;
  Offset offset;
  TimestampMs timestamp;  // kNoTimestamp: none
  kj::Maybe<ByteView> key;
  kj::Maybe<ByteView> value;
  kj::ArrayPtr<const Header> headers;
};

// The records of one poll, with the memory that they lie in. Movable; the records stay where they are.
//
//     for (auto& record : polled) use(record.value);
//
// Records of one partition come in the order of their offsets.
class ConsumedRecords {
 public:
  ConsumedRecords() = default;
  KJ_DISALLOW_COPY(ConsumedRecords);
  ConsumedRecords(ConsumedRecords&&) = default;
  ConsumedRecords& operator=(ConsumedRecords&&) = default;

  size_t size() const { return records_.size(); }
  bool empty() const { return records_.size() == 0; }
  const ConsumedRecord& operator[](size_t index) const { return records_[index]; }
  const ConsumedRecord* begin() const { return records_.begin(); }
  const ConsumedRecord* end() const { return records_.end(); }

  // For the library: `record` lies in memory that was, or will be, handed to keepAlive().
  void add(ConsumedRecord record) { records_.add(record); }
  template <class T>
  void keepAlive(T memory) {
    memory_.add(kj::heap<T>(kj::mv(memory)));
  }

 private:
  kj::Vector<ConsumedRecord> records_;
  kj::Vector<kj::Own<const void>> memory_;
};

}  // namespace cambium::client
