#include "engine/record/record_reader.h"

#include "engine/record/byte_buffer.h"

namespace cambium {

using namespace record_layout;

namespace {
constexpr size_t kDrawBytesMin = 16 << 10;
}

RecordReader::RecordReader(BatchView batch, DecompressionLimits limits) : batch_(batch) {
  int64_t lastOffset;
  if (batch.recordCount() < 0) {
    fail(ErrorCode::kCorruptMessage, "it announces ", batch.recordCount(), " records");
  } else if (__builtin_add_overflow(batch.baseOffset().value(), int64_t{batch.lastOffsetDelta()}, &lastOffset)) {
    fail(ErrorCode::kCorruptMessage, "its last offset is beyond the largest there is");
  } else if (batch.codec() == Codec::kNone || (batch.recordCount() == 0 && batch.payload().size() == 0)) {
    // Compaction leaves batches without records, whatever the codec says.
    unread_ = batch.payload();
  } else {
    auto source = openDecompressor(batch.codec(), batch.payload(), limits);
    if (source.ok()) {
      source_ = kj::mv(source.value());
    } else {
      fail(source.error().code, source.error().message);
    }
  }
}

kj::Maybe<Error> RecordReader::error() const {
  KJ_IF_MAYBE(error, error_) return error->clone();
  return nullptr;
}

const RecordView* RecordReader::next() {
  if (done_) return nullptr;
  if (index_ == batch_.recordCount()) {
    done_ = true;
    checkEnd();
    return nullptr;
  }
  ByteView body;
  if (!takeBody(&body) || !parse(body)) return nullptr;
  ++index_;
  return &record_;
}

bool RecordReader::takeBody(ByteView* body) {
  // The length may be the last thing there is: then fewer bytes than this are fine.
  if (!fill(kVarint32BytesMax) && error_ != nullptr) return false;
  if (unread_.size() == 0) {
    return fail(ErrorCode::kCorruptMessage, "the records end here, ", batch_.recordCount(), " are announced");
  }
  ByteReader reader(unread_);
  int32_t length = reader.varint32();
  if (reader.failed()) return fail(ErrorCode::kCorruptMessage, "its length is malformed");
  auto size = static_cast<size_t>(length);
  if (length < 0) return fail(ErrorCode::kCorruptMessage, "it claims a length of ", length);
  size_t prefix = unread_.size() - reader.remaining();
  if (!fill(prefix + size)) {
    return fail(ErrorCode::kCorruptMessage, "it claims a length of ", length, ", the records end after ",
                unread_.size() - prefix, " bytes of it");
  }
  *body = unread_.slice(prefix, prefix + size);
  unread_ = unread_.slice(prefix + size, unread_.size());
  return true;
}

bool RecordReader::parse(ByteView body) {
  ByteReader reader(body);
  reader.int8();
  int64_t timestampDelta = reader.varint64();
  int32_t offsetDelta = reader.varint32();
  if (reader.failed()) return fail(ErrorCode::kCorruptMessage, "its timestamp or offset is malformed or cut off");
  if (offsetDelta <= lastDelta_ || offsetDelta > batch_.lastOffsetDelta()) {
    return fail(ErrorCode::kInvalidRecord, "its offset delta is ", offsetDelta, "; expected ", lastDelta_ + int64_t{1},
                " to ", batch_.lastOffsetDelta());
  }
  lastDelta_ = offsetDelta;
  record_.offset = batch_.baseOffset() + int64_t{offsetDelta};
  if (batch_.timestampType() == TimestampType::kLogAppendTime) {
    record_.timestamp = batch_.maxTimestamp();
  } else {
    // Wraps, as in the builder.
    record_.timestamp = TimestampMs(static_cast<int64_t>(static_cast<uint64_t>(batch_.baseTimestamp().value()) +
                                                         static_cast<uint64_t>(timestampDelta)));
  }
  if (!nullable(reader, "key", &record_.key) || !nullable(reader, "value", &record_.value)) return false;
  if (!parseHeaders(reader)) return false;
  if (reader.remaining() > 0) {
    return fail(ErrorCode::kCorruptMessage, reader.remaining(), " bytes are left over at its end");
  }
  return true;
}

bool RecordReader::parseHeaders(ByteReader& reader) {
  int32_t count = reader.varint32();
  if (reader.failed()) return fail(ErrorCode::kCorruptMessage, "its header count is malformed or cut off");
  if (count < 0 || static_cast<size_t>(count) > reader.remaining() / kHeaderBytesMin) {
    return fail(ErrorCode::kCorruptMessage, "it claims ", count, " headers in the ", reader.remaining(),
                " bytes that are left");
  }
  if (static_cast<size_t>(count) > kRecordHeadersMax) {
    return fail(ErrorCode::kMessageTooLarge, "it has ", count, " headers, the limit is ", kRecordHeadersMax);
  }
  headers_.clear();
  for (int32_t i = 0; i < count; ++i) {
    kj::Maybe<ByteView> key;
    RecordHeader header;
    if (!nullable(reader, "header key", &key) || !nullable(reader, "header value", &header.value)) return false;
    KJ_IF_MAYBE(present, key) {
      header.key = *present;
    } else {
      return fail(ErrorCode::kInvalidRecord, "the key of its header ", i, " is null");
    }
    headers_.add(header);
  }
  record_.headers = headers_.asPtr();
  return true;
}

bool RecordReader::nullable(ByteReader& reader, kj::StringPtr what, kj::Maybe<ByteView>* field) {
  int32_t length = reader.varint32();
  if (reader.failed()) return fail(ErrorCode::kCorruptMessage, "its ", what, " length is malformed or cut off");
  if (length == -1) {
    *field = nullptr;
    return true;
  }
  if (length < 0 || static_cast<size_t>(length) > reader.remaining()) {
    return fail(ErrorCode::kCorruptMessage, "its ", what, " claims a length of ", length, ", ", reader.remaining(),
                " bytes are left");
  }
  *field = reader.bytes(static_cast<size_t>(length));
  return true;
}

bool RecordReader::checkEnd() {
  if (fill(1)) {
    return fail(ErrorCode::kCorruptMessage, "bytes follow the ", batch_.recordCount(), " records that are announced");
  }
  return error_ == nullptr;
}

bool RecordReader::fill(size_t bytes) {
  while (unread_.size() < bytes) {
    if (!draw()) return false;
  }
  return true;
}

// Adds a piece of decompressed bytes to unread_. The buffer doubles only once it is full of bytes that really came.
bool RecordReader::draw() {
  KJ_IF_MAYBE(source, source_) {
    size_t unreadBytes = unread_.size();
    if (unreadBytes == buffer_.size()) {
      grow(buffer_, unreadBytes, kDrawBytesMin);
    } else if (unreadBytes > 0) {
      memmove(buffer_.begin(), unread_.begin(), unreadBytes);
    }
    size_t n = (*source)->read(buffer_.slice(unreadBytes, buffer_.size()));
    unread_ = buffer_.slice(0, unreadBytes + n);
    if (n > 0) return true;
    KJ_IF_MAYBE(error, (*source)->error()) {
      return fail(error->code, error->message);
    }
  }
  return false;
}

template <class... Parts>
bool RecordReader::fail(ErrorCode code, Parts&&... parts) {
  // The first failure is the cause of those that follow from it.
  if (error_ == nullptr) {
    error_ = makeError(code, "record ", index_, " of the batch with base offset ", batch_.baseOffset(), ": ",
                       kj::fwd<Parts>(parts)...);
  }
  done_ = true;
  return false;
}

}  // namespace cambium
