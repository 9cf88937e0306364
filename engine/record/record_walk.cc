#include "engine/record/record_walk.h"

#include <limits>

#include "engine/record/context_pool.h"
#include "engine/record/record.h"

namespace cambium {

using namespace record_layout;

namespace {

// A record that so many bytes follow needs no look at each of them whether it is still there: what its numbers could
// lead to beyond the record's end is less, see MemoryCursor.
constexpr ptrdiff_t kSlackBytes = 64;

// Decompressed records are looked at in pieces of this size.
constexpr size_t kWindowBytes = 64 << 10;

int64_t fromZigzag(uint64_t raw) {
  return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
}

// The numbers of a record that lies in memory as a whole. Unchecked, it may read a number that lies behind the end of
// the record; remaining() is negative then, and every skip fails. Between two skips a record has at most six numbers,
// one of 10 bytes and five of 5, so that reading never gets kSlackBytes beyond the end.
template <bool kChecked>
class MemoryCursor {
 public:
  MemoryCursor(const kj::byte* at, const kj::byte* end) : at_(at), end_(end) {}

  const kj::byte* at() const { return at_; }
  int64_t remaining() const { return end_ - at_; }
  bool skip(int64_t bytes) {
    if (bytes > remaining()) return false;
    at_ += bytes;
    return true;
  }
  bool varint32(int32_t& value) {
    uint64_t raw;
    if (!number<5, 32>(raw)) return false;
    value = static_cast<int32_t>(fromZigzag(raw));
    return true;
  }
  bool varint64(int64_t& value) {
    uint64_t raw;
    if (!number<10, 64>(raw)) return false;
    value = fromZigzag(raw);
    return true;
  }

 private:
  // Most numbers have one byte or two.
  template <int kBytesMax, int kBitsMax>
  bool number(uint64_t& raw) {
    if (kChecked && remaining() < 2) return longNumber<kBytesMax, kBitsMax>(raw);
    uint64_t first = at_[0];
    if (first < 0x80) {
      raw = first;
      ++at_;
      return true;
    }
    uint64_t second = at_[1];
    if (second < 0x80 && second != 0) {
      raw = (first & 0x7f) | second << 7;
      at_ += 2;
      return true;
    }
    return longNumber<kBytesMax, kBitsMax>(raw);
  }
  // Refuses what ByteReader refuses: numbers with too many bits, and those written longer than they are.
  template <int kBytesMax, int kBitsMax>
  [[gnu::noinline]] bool longNumber(uint64_t& raw) {
    raw = 0;
    for (int i = 0; i < kBytesMax; ++i) {
      if (kChecked && remaining() <= 0) return false;
      uint64_t b = *at_++;
      int shift = 7 * i;
      int room = kBitsMax - shift;
      if (room < 7 && (b & 0x7f) >> room != 0) return false;
      raw |= (b & 0x7f) << shift;
      if ((b & 0x80) == 0) return b != 0 || i == 0;
    }
    return false;
  }

  const kj::byte* at_;
  const kj::byte* end_;
};

// What holds for all records of a batch.
struct Walk {
  Walk(const BatchView& batch, const RecordRules& rules)
      : base(static_cast<uint64_t>(batch.baseTimestamp().value())),
        count(batch.recordCount()),
        keysRequired(rules.keysRequired) {
    KJ_IF_MAYBE(bound, rules.earliest) earliest = bound->value();
    KJ_IF_MAYBE(bound, rules.latest) latest = bound->value();
  }

  const uint64_t base;
  const int32_t count;
  const bool keysRequired;
  int64_t earliest = std::numeric_limits<int64_t>::min();
  int64_t latest = std::numeric_limits<int64_t>::max();
  int32_t index = 0;
  int64_t maxTimestamp = kNoTimestamp.value();
};

template <class Cursor>
bool skipNullable(Cursor& cursor, bool mayBeNull) {
  int32_t length;
  if (!cursor.varint32(length)) return false;
  return length < 0 ? length == -1 && mayBeNull : cursor.skip(length);
}

template <class Cursor>
bool walkHeaders(Cursor& cursor) {
  int32_t count;
  if (!cursor.varint32(count)) return false;
  if (count == 0) return true;
  if (count < 0 || count > cursor.remaining() / static_cast<int64_t>(kHeaderBytesMin)) return false;
  if (static_cast<size_t>(count) > kRecordHeadersMax) return false;
  for (int32_t i = 0; i < count; ++i)
    if (!skipNullable(cursor, false) || !skipNullable(cursor, true)) return false;
  return true;
}

// One record behind its length.
template <class Cursor>
bool walkRecord(Cursor& cursor, Walk& walk) {
  int64_t timestampDelta;
  int32_t offsetDelta;
  if (!cursor.skip(1)) return false;  // attributes, which have no meaning yet
  if (!cursor.varint64(timestampDelta) || !cursor.varint32(offsetDelta)) return false;
  if (offsetDelta != walk.index) return false;
  if (!skipNullable(cursor, !walk.keysRequired) || !skipNullable(cursor, true)) return false;
  if (!walkHeaders(cursor) || cursor.remaining() != 0) return false;
  // Wraps, as in the reader.
  auto timestamp = static_cast<int64_t>(walk.base + static_cast<uint64_t>(timestampDelta));
  if (timestamp != kNoTimestamp.value() && (timestamp < walk.earliest || timestamp > walk.latest)) return false;
  walk.maxTimestamp = kj::max(walk.maxTimestamp, timestamp);
  ++walk.index;
  return true;
}

// One record that lies in [at, end), with `behind` bytes after it.
bool walkInMemory(const kj::byte* at, const kj::byte* end, ptrdiff_t behind, Walk& walk) {
  if (behind >= kSlackBytes) {
    MemoryCursor<false> cursor(at, end);
    return walkRecord(cursor, walk);
  }
  MemoryCursor<true> cursor(at, end);
  return walkRecord(cursor, walk);
}

bool walkPlain(ByteView records, Walk& walk) {
  const kj::byte* at = records.begin();
  const kj::byte* end = records.end();
  while (walk.index < walk.count) {
    MemoryCursor<true> prefix(at, end);
    int32_t length;
    if (!prefix.varint32(length) || length < 0 || length > prefix.remaining()) return false;
    at = prefix.at() + length;
    if (!walkInMemory(prefix.at(), at, end - at, walk)) return false;
  }
  return at == end;
}

struct WindowBuffer {
  bool prepareForReuse() { return true; }
  kj::byte bytes[kWindowBytes];
};

// A piece of a stream of decompressed records.
class Window {
 public:
  explicit Window(ByteSource& source) : source_(source) {}
  KJ_DISALLOW_COPY(Window);

  const kj::byte* at() { return buffer_->bytes + begin_; }
  int64_t size() const { return static_cast<int64_t>(end_ - begin_); }
  // Of all that was drawn.
  uint64_t bytes() const { return bytes_; }
  void advance(int64_t bytes) { begin_ += static_cast<size_t>(bytes); }
  // Makes the window hold so many bytes, which fit into it. False when the stream ends before.
  bool fill(size_t bytes) {
    while (end_ - begin_ < bytes) {
      if (begin_ > 0) memmove(buffer_->bytes, buffer_->bytes + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
      size_t got = source_.read(kj::arrayPtr(buffer_->bytes + end_, kWindowBytes - end_));
      if (got == 0) return false;
      end_ += got;
      bytes_ += got;
    }
    return true;
  }

 private:
  ByteSource& source_;
  Pooled<WindowBuffer> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t bytes_ = 0;
};

// The numbers of a record that is larger than the window.
class WindowCursor {
 public:
  WindowCursor(Window& window, int64_t bytes) : window_(window), remaining_(bytes) {}

  int64_t remaining() const { return remaining_; }
  bool skip(int64_t bytes) {
    if (bytes > remaining_) return false;
    remaining_ -= bytes;
    while (bytes > window_.size()) {
      bytes -= window_.size();
      window_.advance(window_.size());
      if (!window_.fill(1)) return false;
    }
    window_.advance(bytes);
    return true;
  }
  bool varint32(int32_t& value) {
    return number([&](MemoryCursor<true>& cursor) { return cursor.varint32(value); });
  }
  bool varint64(int64_t& value) {
    return number([&](MemoryCursor<true>& cursor) { return cursor.varint64(value); });
  }

 private:
  template <class Read>
  bool number(Read read) {
    // It may be the last thing there is: then fewer bytes than this are fine.
    window_.fill(kVarint64BytesMax);
    MemoryCursor<true> cursor(window_.at(), window_.at() + kj::min(remaining_, window_.size()));
    if (!read(cursor)) return false;
    auto used = cursor.at() - window_.at();
    window_.advance(used);
    remaining_ -= used;
    return true;
  }

  Window& window_;
  int64_t remaining_;
};

bool walkStream(Window& window, Walk& walk) {
  while (walk.index < walk.count) {
    window.fill(kVarint32BytesMax);
    MemoryCursor<true> prefix(window.at(), window.at() + window.size());
    int32_t length;
    if (!prefix.varint32(length) || length < 0) return false;
    window.advance(prefix.at() - window.at());
    if (static_cast<size_t>(length) + kSlackBytes > kWindowBytes) {
      WindowCursor cursor(window, length);
      if (!walkRecord(cursor, walk)) return false;
      continue;
    }
    window.fill(static_cast<size_t>(length) + kSlackBytes);
    if (length > window.size()) return false;
    auto* at = window.at();
    window.advance(length);
    if (!walkInMemory(at, at + length, window.size(), walk)) return false;
  }
  return !window.fill(1);
}

}  // namespace

RecordWalk walkRecords(const BatchView& batch, const RecordRules& rules, DecompressionLimits limits) {
  RecordWalk result;
  Walk walk(batch, rules);
  if (walk.count < 0 || batch.timestampType() != TimestampType::kCreateTime) return result;
  auto payload = batch.payload();
  if (batch.codec() == Codec::kNone || (walk.count == 0 && payload.size() == 0)) {
    result.sound = walkPlain(payload, walk);
    result.bytes = payload.size();
  } else {
    auto source = openDecompressor(batch.codec(), payload, limits);
    if (!source.ok()) return result;
    Window window(*source.value());
    result.sound = walkStream(window, walk) && source.value()->error() == nullptr;
    result.bytes = window.bytes();
  }
  result.maxTimestamp = TimestampMs(walk.maxTimestamp);
  return result;
}

}  // namespace cambium
