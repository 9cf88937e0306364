#pragma once

#include <kj/function.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "engine/storage/file_system.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// The file "tables/<16-digit generation>.journal": every commit to the tables since the snapshot of the same
// generation; one record for the commits that were written and synced together. All integers big-endian.
//
//     header, 20 bytes:           record:  size
//        4  magic "CMTJ"                      4  n, length of the body
//        4  version, 1                        4  CRC-32C of the body
//        8  generation                        4  CRC-32C of the 8 bytes before
//        4  CRC-32C of the above              n  body:
//                                                  8  sequence: counts records, without gaps
//                                                  4  number of changes; each:
//                                                     1  1 put, 2 delete
//                                                     1  length of the table's name, the name
//                                                     4  length of the key, the key
//                                                     4  length of the value, the value (0 when deleted)
//
// A journal may end in a torn record (power failed while it was written): that is not part of it. A record that is
// whole but wrong is damage. The two are told apart so: what is torn is cut short by the end of the file, or has a
// stretch of 16 bytes or more up to the end of a disk sector that was never written and reads as zeros; and no sound
// record of a later sequence follows it, since each is synced before the next one is written.
namespace table_journal {
inline constexpr size_t kHeaderBytes = 20;
inline constexpr size_t kRecordHeaderBytes = 12;
inline constexpr size_t kBodyBytesMax = size_t{1} << 30;

kj::Array<kj::byte> encodeHeader(uint64_t generation);
// The checksum in the header of a record, of its body.
uint32_t checksumOf(ByteView record);
// One record. Throws when it would be larger than kBodyBytesMax.
kj::Array<kj::byte> encodeRecord(uint64_t sequence, kj::ArrayPtr<const TableChange> changes);
}  // namespace table_journal

// Reads a journal's contents from front to back; for opening the tables and for tools.
class TableJournalReader {
 public:
  // `path` names the file in messages. Throws when the header is damaged or of another generation.
  TableJournalReader(ByteView contents, uint64_t generation, kj::StringPtr path);

  // Borrowed from the contents.
  struct Change {
    kj::ArrayPtr<const char> table;
    ByteView key;
    kj::Maybe<ByteView> value;  // null deletes
  };
  struct Record {
    uint64_t sequence;
    uint32_t checksum;  // of the body
    kj::Vector<Change> changes;
  };
  // The next record, or null at the end of what is whole. Throws, naming file, position and sequence, when there is
  // damage.
  kj::Maybe<Record> next();
  // One past the last whole record.
  size_t position() const { return position_; }
  // Bytes of a torn record behind it; known when next() has returned null.
  size_t tornBytes() const { return contents_.size() - position_; }
  // True when that record is not cut short by the end of the file but reads as zeros in part: likely torn, possibly
  // damaged.
  bool endsUnwritten() const { return endsUnwritten_; }

 private:
  kj::Maybe<kj::Vector<Change>> parseBody(ByteView body, uint64_t& sequence);
  void endUnwritten(size_t begin, size_t end, kj::StringPtr what);
  [[noreturn]] void throwDamaged(kj::StringPtr what);

  ByteView contents_;
  kj::StringPtr path_;
  size_t position_ = table_journal::kHeaderBytes;
  uint64_t lastSequence_ = 0;
  bool endsUnwritten_ = false;
};

}  // namespace cambium
