#pragma once

#include <capnp/list.h>

#include "engine/base/error.h"
#include "engine/record/record.h"
#include "schema/cambium.capnp.h"

namespace cambium {

// Records taken out of stored batches, kept together in one buffer until they are written into a message.
class DecodedRecords {
 public:
  // Takes the records of `batches` with from <= offset < end, in order, until they fill a message (compressed batches
  // can hold far more than was read). An error names the batch; kMessageTooLarge when a single record is too large for
  // a message.
  static Result<DecodedRecords> decode(ByteView batches, Offset from, Offset end);

  // Everything from `from` up to here was taken: where to go on.
  Offset nextOffset() const { return next_; }

  size_t count() const { return records_.size(); }
  // About how large the message becomes, in words.
  uint64_t wordsHint() const;
  void write(capnp::List<rpc::StoredRecord>::Builder list) const;

 private:
  // A field in the buffer; size -1: null.
  struct Field {
    size_t begin;
    int64_t size;
  };
  struct Record {
    Offset offset;
    TimestampMs timestamp;
    Field key, value;
    size_t headersBegin, headersEnd;  // in headers_
  };
  struct Header {
    Field key, value;
  };

  // Takes one record; false when the message is full.
  bool take(const RecordView& record);
  Field keep(kj::Maybe<ByteView> bytes);
  ByteView view(Field field) const { return bytes_.slice(field.begin, field.begin + static_cast<size_t>(field.size)); }

  kj::Vector<kj::byte> bytes_;
  kj::Vector<Record> records_;
  kj::Vector<Header> headers_;
  Offset next_;
};

}  // namespace cambium
