#pragma once

#include <kj/refcount.h>

#include "client/record.h"
#include "engine/record/record_reader.h"

// Private to the library: batches as they came, taken apart on demand.

namespace cambium::client {

// Bytes that several ConsumedRecords share. One thread.
class SharedBytes final : public kj::Refcounted {
 public:
  // `owner` keeps `bytes` alive.
  template <class T>
  SharedBytes(ByteView bytes, T owner) : bytes(bytes), owner_(kj::heap<T>(kj::mv(owner))) {}

  const ByteView bytes;

 private:
  kj::Own<const void> owner_;
};

// What one read or push brought: whole batches, the first of which may begin before the offset asked for.
class FetchedChunk {
 public:
  FetchedChunk(kj::Own<SharedBytes> bytes, Offset nextOffset, bool checkCrc)
      : bytes_(kj::mv(bytes)), batches_(bytes_->bytes), nextOffset_(nextOffset), checkCrc_(checkCrc) {}
  KJ_DISALLOW_COPY(FetchedChunk);
  FetchedChunk(FetchedChunk&&) = default;

  size_t sizeBytes() const { return bytes_->bytes.size(); }

  // Moves up to `recordsMax` records from `position` on into `out`, and `position` along with them; past the last one
  // to where reading goes on. `record` gives topic and partition. Sets `done` when nothing is left.
  Result<void> take(ConsumedRecords& out, size_t recordsMax, const ConsumedRecord& like, Offset& position, bool& done);

 private:
  // Opens the next batch that holds records from `position` on; false when there is none.
  Result<bool> openBatch(Offset& position);

  kj::Own<SharedBytes> bytes_;
  BatchIterator batches_;
  const Offset nextOffset_;
  const bool checkCrc_;
  Offset batchNext_;                         // the offset after the open batch
  kj::Own<SharedBytes> records_;             // where the records of the open batch lie
  kj::Maybe<kj::Own<RecordReader>> reader_;  // null: no batch is open
};

}  // namespace cambium::client
