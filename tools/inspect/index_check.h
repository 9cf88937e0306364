#pragma once

#include "backends/native/offset_index.h"
#include "backends/native/time_index.h"
#include "engine/record/batch_view.h"
#include "tools/inspect/index_file.h"
#include "tools/inspect/inspection.h"

namespace cambium::tools {

// What is known of the segment that an index belongs to.
struct IndexPlace {
  FileSystem& files;
  kj::StringPtr path;  // of the index file
  Offset base;         // of its segment
  bool mayBeBehind;  // nobody closed the segment: entries may be torn or point behind its end, its next start cuts them
};

// Complaints about entries of one index file.
class IndexComplaints {
 public:
  IndexComplaints(Inspection& inspection, const IndexPlace& place, size_t entryBytes)
      : inspection_(inspection), file_(place.files.describe(place.path)), entryBytes_(entryBytes) {}

  void add(uint64_t number, kj::String what, kj::String expected, kj::String found);
  void note(uint64_t number, kj::String what);
  // Entries of zeros at the end, all in one.
  void zeroEntries(uint64_t first, uint64_t count, bool mayBeBehind);
  // Bytes behind the last whole entry.
  void oddSize(uint64_t bytes, bool mayBeBehind);

 private:
  Inspection& inspection_;
  const kj::String file_;
  const size_t entryBytes_;
};

// Lists the entries of an .index file, or checks them: their order, and whether each points to a batch that ends with
// its offset. For that the batches of the segment are shown to it one after another.
class OffsetIndexCheck {
 public:
  OffsetIndexCheck(Inspection& inspection, const IndexPlace& place);

  uint64_t entryCount() const { return entries_.size(); }
  void list();
  // The segment's next batch; no last offset when it is damaged, then its entry cannot be judged.
  void see(uint64_t position, uint64_t bytes, kj::Maybe<Offset> last);
  // The segment ends.
  void finish(uint64_t segmentBytes);
  // The order alone, where there is no segment to compare with.
  void checkOrder();

 private:
  kj::Maybe<OffsetIndexEntry> current();

  Inspection& inspection_;
  const IndexPlace place_;
  IndexFile<OffsetIndex, OffsetIndexEntry> entries_;
  IndexComplaints complaints_;
  uint64_t next_ = 0;
  OffsetIndexEntry previous_{-1, 0};
};

// Checks a .timeindex file: each entry names the first batch, by its last offset, with the largest timestamp so far.
class TimeIndexCheck {
 public:
  TimeIndexCheck(Inspection& inspection, const IndexPlace& place);

  uint64_t entryCount() const { return entries_.size(); }
  void list();
  // `offset` is the batch's base, or of a damaged part the one expected there.
  void see(Offset offset, kj::Maybe<BatchView> batch);
  void finish(Offset end);
  void checkOrder();

 private:
  kj::Maybe<TimeEntry> current();

  Inspection& inspection_;
  const IndexPlace place_;
  IndexFile<TimeIndex, TimeEntry> entries_;
  IndexComplaints complaints_;
  uint64_t next_ = 0;
  TimeEntry previous_{kNoTimestamp, -1};
  TimestampMs largest_ = kNoTimestamp;
  bool sawDamage_ = false;
};

}  // namespace cambium::tools
