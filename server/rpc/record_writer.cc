#include "server/rpc/record_writer.h"

#include "engine/partition/partition_config.h"
#include "engine/record/record_reader.h"

namespace cambium {

Result<DecodedRecords> DecodedRecords::decode(ByteView batches, Offset from, Offset end) {
  DecodedRecords decoded;
  decoded.bytes_.reserve(batches.size());
  BatchIterator each(batches);
  while (auto* batch = each.next()) {
    if (batch->isControl()) continue;
    RecordReader reader(*batch, {.outputBytesMax = kInflatedBytesMax});
    while (auto* record = reader.next()) {
      if (record->offset < from || record->offset >= end) continue;
      Record kept{record->offset, record->timestamp, decoded.keep(record->key), decoded.keep(record->value),
                  decoded.headers_.size(), 0};
      for (auto& header : record->headers) {
        decoded.headers_.add(Header{decoded.keep(header.key), decoded.keep(header.value)});
      }
      kept.headersEnd = decoded.headers_.size();
      decoded.records_.add(kept);
    }
    KJ_IF_MAYBE(error, reader.error()) {
      return makeError(error->code, "batch at offset ", batch->baseOffset(), ": ", error->message);
    }
  }
  return kj::mv(decoded);
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
