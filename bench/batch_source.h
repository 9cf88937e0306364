#pragma once

#include "engine/record/batch_view.h"

namespace cambium::bench {

// What a producer would send: record batches of 100-byte values, as a broker receives them. A few different ones,
// handed out in turn; together they fit into a second-level cache unless they are large, as what comes off a socket
// does.
class BatchSource {
 public:
  // Batches as near to `bytes` as whole records allow, one record at least. All have the same size and number of
  // records.
  explicit BatchSource(Bytes bytes);

  // The next batch, with base offset 0; the same memory comes again a few calls later.
  kj::ArrayPtr<kj::byte> next();
  // The next batch, stamped as the one at `base` of a log.
  kj::ArrayPtr<kj::byte> nextAt(Offset base);

  size_t batchBytes() const { return batches_[0].size(); }
  // Records, and so offsets, in each batch.
  int32_t records() const { return records_; }

  static constexpr size_t kValueBytes = 100;

 private:
  kj::Vector<kj::Array<kj::byte>> batches_;
  int32_t records_ = 0;
  size_t turn_ = 0;
};

}  // namespace cambium::bench
