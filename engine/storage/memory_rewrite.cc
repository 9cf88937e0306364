#include "engine/storage/memory_rewrite.h"

#include <kj/debug.h>

#include "engine/record/batch_view.h"

namespace cambium {

kj::Array<const kj::byte> MemoryRewrite::read(Bytes bytesMax) {
  ticket_->requireValid();
  kj::Vector<kj::byte> out;
  BatchIterator batches(contents_.slice(readPosition_, contents_.size()));
  while (auto* batch = batches.next()) {
    if (out.size() > 0 && out.size() + batch->size() > bytesMax.value()) break;
    KJ_REQUIRE(batch->crcMatches(), "a batch does not match its checksum", batch->baseOffset(), batch->size());
    out.addAll(batch->bytes());
  }
  readPosition_ += out.size();
  return out.releaseAsArray();
}

void MemoryRewrite::rewind() {
  ticket_->requireValid();
  readPosition_ = 0;
}

void MemoryRewrite::write(ByteView batches) {
  ticket_->requireValid();
  KJ_REQUIRE(!finished_, "the rewrite is finished", first(), end());
  Offset next = checkRewritten(batches, next_, end());
  KJ_REQUIRE(written_.size() + batches.size() <= kRewrittenBytesMax, "too large for one extent", first(), end());
  store_.lock()->requireRoom(written_.size() + batches.size());
  written_.addAll(batches);
  next_ = next;
}

void MemoryRewrite::finish() {
  ticket_->requireValid();
  KJ_REQUIRE(!finished_ && next_ == end(), "what was written does not reach the end", first(), next_, end());
  finished_ = true;
}

}  // namespace cambium
