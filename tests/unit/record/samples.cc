#include "tests/unit/record/samples.h"

#include <random>

#include <kj/encoding.h>
#include <kj/vector.h>

#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"

namespace cambium {

using namespace batch_layout;

namespace {
kj::String quoted(const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(present, bytes) {
    return kj::str('"', present->asChars(), '"');
  }
  return kj::str("null");
}
}  // namespace

kj::String describe(const RecordView& record) {
  auto headers = KJ_MAP(header, record.headers) {
    return kj::str(' ', header.key.asChars(), '=', quoted(header.value));
  };
  return kj::str(record.offset, " @", record.timestamp, ' ', quoted(record.key), ": ", quoted(record.value),
                 kj::strArray(headers, ""));
}

kj::String describeAll(ByteView bytes, DecompressionLimits limits) {
  kj::Vector<kj::String> lines;
  RecordReader reader(wholeBatch(bytes), limits);
  while (auto* record = reader.next())
    lines.add(describe(*record));
  KJ_IF_MAYBE(error, reader.error()) {
    lines.add(kj::str(*error));
  }
  return kj::strArray(lines, "\n");
}

kj::Maybe<ErrorCode> readingFails(ByteView bytes, DecompressionLimits limits) {
  RecordReader reader(wholeBatch(bytes), limits);
  while (reader.next() != nullptr) {
  }
  KJ_IF_MAYBE(error, reader.error()) {
    return error->code;
  }
  return nullptr;
}

BatchView wholeBatch(ByteView bytes) {
  auto batch = KJ_ASSERT_NONNULL(BatchView::first(bytes));
  KJ_ASSERT(batch.size() == bytes.size());
  return batch;
}

kj::Array<const kj::byte> text(size_t size, uint32_t seed) {
  std::minstd_rand random(seed);
  auto result = kj::heapArray<kj::byte>(size);
  for (auto& b : result)
    b = static_cast<kj::byte>('a' + (random() >> 8) % 16);
  return kj::mv(result);
}

kj::Array<kj::byte> fromHex(kj::StringPtr hex) {
  auto bytes = kj::decodeHex(hex);
  KJ_REQUIRE(!bytes.hadErrors);
  return kj::mv(bytes);
}

kj::Array<kj::byte> joined(std::initializer_list<ByteView> parts) {
  kj::Vector<kj::byte> all;
  for (auto part : parts)
    all.addAll(part);
  return all.releaseAsArray();
}

kj::Array<kj::byte> repeated(ByteView part, size_t times) {
  auto all = kj::heapArray<kj::byte>(part.size() * times);
  for (size_t i = 0; i < times; ++i)
    memcpy(all.begin() + i * part.size(), part.begin(), part.size());
  return all;
}

kj::Array<kj::byte> mixedBatch(BatchOptions options, int count, size_t valueBytesMax) {
  BatchBuilder builder(options);
  auto bytes = text(valueBytesMax + 16);
  for (int i = 0; i < count; ++i) {
    kj::Maybe<ByteView> key;
    kj::Maybe<ByteView> value;
    if (i % 3 != 0) key = bytes.slice(0, static_cast<size_t>(i % 16));
    if (i % 7 != 6) value = bytes.slice(0, valueBytesMax * static_cast<size_t>(i % 5) / 4);
    RecordHeader headers[] = {
        {view("trace"), bytes.slice(0, 9)}, {view(""), nullptr}, {view("empty"), ByteView(nullptr)}};
    builder.add(TimestampMs(1700000000000 + (i * 37) % 101), key, value,
                kj::arrayPtr(headers, static_cast<size_t>(i % 4)));
  }
  return builder.finish();
}

kj::Array<kj::byte> rawBatch(ByteView payload, RawBatch fields) {
  ByteWriter writer;
  writer.int64(fields.baseOffset);
  writer.int32(static_cast<int32_t>(kHeaderBytes - kLengthFrom + payload.size()));
  writer.int32(-1);
  writer.int8(kMagicV2);
  writer.uint32(0);
  writer.int16(fields.attributes);
  writer.int32(fields.lastOffsetDelta);
  writer.int64(fields.baseTimestamp);
  writer.int64(fields.maxTimestamp);
  writer.int64(-1);
  writer.int16(-1);
  writer.int32(-1);
  writer.int32(fields.count);
  writer.bytes(payload);
  auto batch = writer.finish();
  resign(batch);
  return batch;
}

void resign(kj::ArrayPtr<kj::byte> batch) {
  storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
}

Drained drain(Codec codec, ByteView compressed, DecompressionLimits limits, size_t pieceBytes) {
  auto opened = openDecompressor(codec, compressed, limits);
  if (!opened.ok()) return {nullptr, kj::mv(opened.error())};
  auto& source = *opened.value();
  kj::Vector<kj::byte> all;
  auto piece = kj::heapArray<kj::byte>(pieceBytes);
  while (size_t n = source.read(piece))
    all.addAll(piece.slice(0, n));
  KJ_ASSERT(source.read(piece) == 0);
  return {all.releaseAsArray(), source.error()};
}

}  // namespace cambium
