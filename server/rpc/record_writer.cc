#include "server/rpc/record_writer.h"

#include "engine/record/record_reader.h"

namespace cambium {

namespace {

// What one message of records holds, about; the largest that a reader of Cap'n Proto takes by default has 8 Mi words.
constexpr uint64_t kWordsWanted = uint64_t{4} << 20;
constexpr uint64_t kWordsMax = uint64_t{7} << 20;

uint64_t wordsOf(const RecordView& record) {
  uint64_t bytes = 0;
  KJ_IF_MAYBE(key, record.key) bytes += key->size();
  KJ_IF_MAYBE(value, record.value) bytes += value->size();
  for (auto& header : record.headers) {
    bytes += header.key.size();
    KJ_IF_MAYBE(value, header.value) bytes += value->size();
  }
  return bytes / 8 + 9 + record.headers.size() * 6;
}

}  // namespace

Result<DecodedRecords> DecodedRecords::decode(ByteView batches, Offset from, Offset end) {
  DecodedRecords decoded;
  decoded.next_ = from;
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    if (!batch->isControl()) {
      RecordReader reader(*batch);
      while (auto* record = reader.next()) {
        if (record->offset < from || record->offset >= end) continue;
        if (wordsOf(*record) > kWordsMax) {
          if (decoded.count() > 0) return kj::mv(decoded);
          return makeError(ErrorCode::kMessageTooLarge, "the record at offset ", record->offset, " has ",
                           wordsOf(*record) * 8, " bytes, too many for a message of records; read it as a batch");
        }
        if (!decoded.take(*record)) return kj::mv(decoded);
      }
      KJ_IF_MAYBE(error, reader.error()) {
        return makeError(error->code, "batch at offset ", batch->baseOffset(), ": ", error->message);
      }
    }
    decoded.next_ = kj::max(decoded.next_, kj::min(batch->nextOffset(), end));
  }
  return kj::mv(decoded);
}

bool DecodedRecords::take(const RecordView& record) {
  if (count() > 0 && wordsHint() + wordsOf(record) > kWordsWanted) return false;
  Record kept{record.offset, record.timestamp, keep(record.key), keep(record.value), headers_.size(), 0};
  for (auto& header : record.headers) {
    headers_.add(Header{keep(header.key), keep(header.value)});
  }
  kept.headersEnd = headers_.size();
  records_.add(kept);
  next_ = record.offset + 1;
  return true;
}

DecodedRecords::Field DecodedRecords::keep(kj::Maybe<ByteView> bytes) {
  Field field{bytes_.size(), -1};
  KJ_IF_MAYBE(present, bytes) {
    field.size = static_cast<int64_t>(present->size());
    bytes_.addAll(*present);
  }
  return field;
}

uint64_t DecodedRecords::wordsHint() const {
  // Each record: its struct (6 words), and up to a word of padding for each of its blobs.
  return bytes_.size() / 8 + records_.size() * 9 + headers_.size() * 6 + 32;
}

void DecodedRecords::write(capnp::List<rpc::StoredRecord>::Builder list) const {
  for (unsigned i = 0; i < list.size(); ++i) {
    auto& record = records_[i];
    auto out = list[i];
    out.setOffset(record.offset.value());
    out.setTimestamp(record.timestamp.value());
    out.setHasKey(record.key.size >= 0);
    if (record.key.size >= 0) out.setKey(view(record.key));
    out.setHasNullValue(record.value.size < 0);
    if (record.value.size >= 0) out.setValue(view(record.value));
    if (record.headersBegin == record.headersEnd) continue;
    auto headers = out.initHeaders(static_cast<unsigned>(record.headersEnd - record.headersBegin));
    for (unsigned h = 0; h < headers.size(); ++h) {
      auto& header = headers_[record.headersBegin + h];
      headers[h].setKey(view(header.key));
      headers[h].setHasNullValue(header.value.size < 0);
      if (header.value.size >= 0) headers[h].setValue(view(header.value));
    }
  }
}

}  // namespace cambium
