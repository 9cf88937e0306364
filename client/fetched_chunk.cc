#include "client/fetched_chunk.h"

#include "engine/record/recompress.h"

namespace cambium::client {

Result<bool> FetchedChunk::openBatch(Offset& position) {
  while (auto* batch = batches_.next()) {
    if (batch->nextOffset() <= position) continue;
    if (checkCrc_ && !batch->crcMatches()) {
      return makeError(
          ErrorCode::kCorruptMessage, "the batch at offset ", batch->baseOffset(),
          " has a wrong checksum; it was damaged on the way or on the broker's disk (cambium inspect --verify)");
    }
    if (batch->isControl()) {
      position = batch->nextOffset();
      continue;
    }
    batchNext_ = batch->nextOffset();
    if (batch->codec() == Codec::kNone) {
      records_ = kj::addRef(*bytes_);
      reader_ = kj::heap<RecordReader>(*batch);
      return true;
    }
    auto plain = recompress(*batch, Codec::kNone);
    if (!plain.ok()) return kj::mv(plain.error());
    auto view = plain.value().asPtr().asConst();
    records_ = kj::refcounted<SharedBytes>(view, kj::mv(plain.value()));
    reader_ = kj::heap<RecordReader>(KJ_ASSERT_NONNULL(BatchView::first(view)));
    return true;
  }
  if (batches_.rest().size() > 0) {
    return makeError(ErrorCode::kCorruptMessage, "the broker sent ", batches_.rest().size(),
                     " bytes that are no whole batch, behind offset ", position);
  }
  return false;
}

Result<void> FetchedChunk::take(ConsumedRecords& out, size_t recordsMax, const ConsumedRecord& like, Offset& position,
                                bool& done) {
  size_t taken = 0;
  bool kept = false;  // whether `out` holds the memory of the open batch
  while (taken < recordsMax) {
    if (reader_ == nullptr) {
      auto opened = openBatch(position);
      if (!opened.ok()) return kj::mv(opened.error());
      if (!opened.value()) {
        position = kj::max(position, nextOffset_);
        done = true;
        return {};
      }
      kept = false;
    }
    auto& reader = *KJ_ASSERT_NONNULL(reader_);
    auto* record = reader.next();
    if (record == nullptr) {
      KJ_IF_MAYBE(error, reader.error()) {
        return makeError(error->code, "the batch before offset ", batchNext_, " cannot be read: ", error->message);
      }
      position = kj::max(position, batchNext_);
      reader_ = nullptr;
      continue;
    }
    if (record->offset < position) continue;
    ConsumedRecord consumed = like;
    consumed.offset = record->offset;
    consumed.timestamp = record->timestamp;
    consumed.key = record->key;
    consumed.value = record->value;
    if (!kept) out.keepAlive(kj::addRef(*records_));
    kept = true;
    if (record->headers.size() > 0) {
      auto headers = kj::heapArray<const Header>(record->headers);
      consumed.headers = headers;
      out.keepAlive(kj::mv(headers));
    }
    out.add(consumed);
    position = record->offset + 1;
    ++taken;
  }
  return {};
}

}  // namespace cambium::client
