#include "backends/native/table_journal.h"

#include <kj/debug.h>

#include "backends/native/format_version.h"
#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"

namespace cambium {

namespace {

constexpr int32_t kMagic = 0x434d544a;  // "CMTJ"
constexpr int32_t kVersion = 1;
constexpr int8_t kPut = 1;
constexpr int8_t kDelete = 2;
constexpr size_t kSectorBytes = 512;
// Kind, table, two lengths.
constexpr size_t kChangeBytesMin = 10;

// Zeros that a sector must read as, at least, to count as unwritten: fewer are common in what is written.
constexpr size_t kUnwrittenBytesMin = 16;
// A body with one change.
constexpr size_t kRecordBytesMin = table_journal::kRecordHeaderBytes + 12 + kChangeBytesMin;

constexpr size_t sectorEnd(size_t position) {
  return (position / kSectorBytes + 1) * kSectorBytes;
}

// True when parts of [begin, end) that reach to the end of a sector, or of the range, hold nothing but zeros, and
// enough of them: what a disk leaves that did not get to write it.
bool hasUnwrittenSector(ByteView file, size_t begin, size_t end) {
  size_t unwritten = 0;
  for (size_t from = begin; from < end;) {
    size_t to = kj::min(end, sectorEnd(from));
    bool zeros = true;
    for (size_t i = from; i < to; ++i)
      zeros = zeros && file[i] == 0;
    unwritten = zeros ? unwritten + (to - from) : 0;
    if (unwritten >= kUnwrittenBytesMin) return true;
    from = to;
  }
  return false;
}

// True when a record with matching checksums and a sequence beyond `sequence` begins at or behind `position`.
bool holdsLaterRecord(ByteView file, size_t position, uint64_t sequence) {
  for (; position + kRecordBytesMin <= file.size(); ++position) {
    const kj::byte* header = file.begin() + position;
    if (loadBigEndian<uint32_t>(header + 8) != crc32c(kj::arrayPtr(header, 8))) continue;
    size_t bodyBegin = position + table_journal::kRecordHeaderBytes;
    size_t size = loadBigEndian<uint32_t>(header);
    if (size < kRecordBytesMin - table_journal::kRecordHeaderBytes || size > file.size() - bodyBegin) continue;
    ByteView body = file.slice(bodyBegin, bodyBegin + size);
    if (loadBigEndian<uint32_t>(header + 4) != crc32c(body)) continue;
    if (loadBigEndian<uint64_t>(body.begin()) > sequence) return true;
  }
  return false;
}

}  // namespace

kj::Array<kj::byte> table_journal::encodeHeader(uint64_t generation) {
  ByteWriter out(kHeaderBytes);
  out.int32(kMagic);
  out.int32(kVersion);
  out.uint64(generation);
  out.uint32(crc32c(out.written()));
  return out.finish();
}

kj::Array<kj::byte> table_journal::encodeRecord(uint64_t sequence, kj::ArrayPtr<const TableChange> changes) {
  size_t size = kRecordHeaderBytes + 12;
  for (auto& change : changes) {
    size += kChangeBytesMin + change.table.size() + change.key.size();
    KJ_IF_MAYBE(value, change.value) {
      size += value->size();
    }
  }
  KJ_REQUIRE(size <= kBodyBytesMax, "a commit to the tables is too large; split it", size, kBodyBytesMax);
  ByteWriter out(size);
  out.uint32(static_cast<uint32_t>(size - kRecordHeaderBytes));
  out.uint64(0);
  out.uint64(sequence);
  out.uint32(static_cast<uint32_t>(changes.size()));
  for (auto& change : changes) {
    out.int8(change.value == nullptr ? kDelete : kPut);
    out.int8(static_cast<int8_t>(change.table.size()));
    out.bytes(change.table.asBytes());
    out.uint32(static_cast<uint32_t>(change.key.size()));
    out.bytes(change.key);
    ByteView value;
    KJ_IF_MAYBE(v, change.value) {
      value = *v;
    }
    out.uint32(static_cast<uint32_t>(value.size()));
    out.bytes(value);
  }
  auto written = out.written();
  storeBigEndian(written.begin() + 4, crc32c(written.slice(kRecordHeaderBytes, written.size())));
  storeBigEndian(written.begin() + 8, crc32c(written.slice(0, 8)));
  return out.finish();
}

uint32_t table_journal::checksumOf(ByteView record) {
  return loadBigEndian<uint32_t>(record.begin() + 4);
}

TableJournalReader::TableJournalReader(ByteView contents, uint64_t generation, kj::StringPtr path)
    : contents_(contents), path_(path) {
  ByteReader in(contents);
  bool sound = in.int32() == kMagic;
  int32_t version = in.int32();
  sound = sound && in.uint64() == generation;
  uint32_t crc = in.uint32();
  sound = sound && !in.failed() && crc == crc32c(contents.slice(0, table_journal::kHeaderBytes - 4));
  KJ_REQUIRE(sound, "the header of a tables' journal is damaged; restore the file, nothing was changed", path,
             generation);
  requireKnownVersion(path, version, kVersion);
}

void TableJournalReader::throwDamaged(kj::StringPtr what) {
  KJ_FAIL_REQUIRE("a tables' journal is damaged", what, path_, position_, lastSequence_,
                  "restore the file; nothing was changed");
}

// Takes the record here, of which `what` is true, for the torn end when a part of [begin, end) was not written; throws
// otherwise.
void TableJournalReader::endUnwritten(size_t begin, size_t end, kj::StringPtr what) {
  if (!hasUnwrittenSector(contents_, begin, end)) throwDamaged(what);
  // What is written at once is one record, and the next one waits for its sync.
  if (holdsLaterRecord(contents_, position_ + 1, lastSequence_)) {
    throwDamaged("a record reads as zeros in part, but later ones are sound");
  }
  endsUnwritten_ = true;
}

kj::Maybe<TableJournalReader::Record> TableJournalReader::next() {
  size_t left = contents_.size() - position_;
  if (left < kRecordBytesMin) return nullptr;
  const kj::byte* header = contents_.begin() + position_;
  size_t bodyBegin = position_ + table_journal::kRecordHeaderBytes;
  if (loadBigEndian<uint32_t>(header + 8) != crc32c(kj::arrayPtr(header, 8))) {
    // To the end of the sectors that the header lies in.
    size_t end = kj::min(contents_.size(), sectorEnd(bodyBegin - 1));
    endUnwritten(position_, end, "the header of a record does not match its checksum");
    return nullptr;
  }
  size_t size = loadBigEndian<uint32_t>(header);
  if (size > contents_.size() - bodyBegin) return nullptr;
  ByteView body = contents_.slice(bodyBegin, bodyBegin + size);
  if (loadBigEndian<uint32_t>(header + 4) != crc32c(body)) {
    // The sector that the header ends in was written, as the header shows.
    endUnwritten(sectorEnd(bodyBegin - 1), bodyBegin + size, "a record does not match its checksum");
    return nullptr;
  }
  uint64_t sequence = 0;
  KJ_IF_MAYBE(changes, parseBody(body, sequence)) {
    if (lastSequence_ != 0 && sequence != lastSequence_ + 1) throwDamaged("a record is missing");
    lastSequence_ = sequence;
    position_ = bodyBegin + size;
    return Record{sequence, loadBigEndian<uint32_t>(header + 4), kj::mv(*changes)};
  }
  throwDamaged("a record is not what this program writes");
}

kj::Maybe<kj::Vector<TableJournalReader::Change>> TableJournalReader::parseBody(ByteView body, uint64_t& sequence) {
  ByteReader in(body);
  sequence = in.uint64();
  uint32_t count = in.uint32();
  if (in.failed() || count > in.remaining() / kChangeBytesMin) return nullptr;
  kj::Vector<Change> changes(count);
  for (uint32_t i = 0; i < count; ++i) {
    int8_t kind = in.int8();
    ByteView table = in.bytes(static_cast<uint8_t>(in.int8()));
    ByteView key = in.bytes(in.uint32());
    ByteView value = in.bytes(in.uint32());
    if (in.failed() || (kind != kPut && kind != kDelete)) return nullptr;
    Change change{table.asChars(), key, nullptr};
    if (kind == kPut) change.value = value;
    changes.add(change);
  }
  if (!in.finished()) return nullptr;
  return kj::mv(changes);
}

}  // namespace cambium
