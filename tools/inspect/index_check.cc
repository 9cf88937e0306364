#include "tools/inspect/index_check.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kOffsetEntryItem{"index-entry"_kj, "offsetIndex"_kj};
constexpr ItemKind kTimeEntryItem{"time-entry"_kj, "timeIndex"_kj};
constexpr int kNumberWidth = 10;

bool ascends(const OffsetIndexEntry& a, const OffsetIndexEntry& b) {
  return a.relativeOffset < b.relativeOffset && a.position < b.position;
}
bool ascends(const TimeEntry& a, const TimeEntry& b) {
  return a.timestamp < b.timestamp && a.relativeOffset < b.relativeOffset;
}
kj::String tell(const OffsetIndexEntry& entry) {
  return kj::str("relative offset ", entry.relativeOffset, " at position ", entry.position);
}
kj::String tell(const TimeEntry& entry) {
  return kj::str("timestamp ", entry.timestamp, " at relative offset ", entry.relativeOffset);
}

// The entry `next`, or the first behind it that can stand between its neighbours; complains about those it steps over.
// Of two that do not ascend, the one is wrong without which its neighbours do.
template <class Entries, class Entry>
kj::Maybe<Entry> skipDisorder(Entries& entries, uint64_t& next, const Entry& previous, IndexComplaints& complaints) {
  for (;; ++next) {
    KJ_IF_MAYBE(entry, entries.at(next)) {
      bool sound = ascends(previous, *entry);
      KJ_IF_MAYBE(following, entries.at(next + 1)) {
        if (!ascends(*entry, *following) && ascends(previous, *following)) sound = false;
      }
      if (sound) return *entry;
      complaints.add(next, kj::str("the entry is out of order"),
                     kj::str("more than ", tell(previous), ", less than what follows"), tell(*entry));
    } else {
      return nullptr;
    }
  }
}

}  // namespace

void IndexComplaints::add(uint64_t number, kj::String what, kj::String expected, kj::String found) {
  inspection_.add({.file = kj::str(file_),
                   .position = number * entryBytes_,
                   .what = kj::str("entry ", number, ": ", what),
                   .expected = kj::mv(expected),
                   .found = kj::mv(found)});
}

void IndexComplaints::note(uint64_t number, kj::String what) {
  inspection_.add({.severity = Severity::kNote,
                   .file = kj::str(file_),
                   .position = number * entryBytes_,
                   .what = kj::str("entry ", number, " and what follows: ", what)});
}

void IndexComplaints::zeroEntries(uint64_t first, uint64_t count, bool mayBeBehind) {
  if (count == 0) return;
  inspection_.add({.severity = mayBeBehind ? Severity::kNote : Severity::kError,
                   .file = kj::str(file_),
                   .position = first * entryBytes_,
                   .what = kj::str("entry ", first, " and what follows: ", count,
                                   " entries of zeros; room for further ones, as Kafka makes it in advance"),
                   .expected = kj::str(mayBeBehind ? "" : "nothing behind the last entry of a closed segment"),
                   .found = kj::String()});
}

void IndexComplaints::oddSize(uint64_t bytes, bool mayBeBehind) {
  uint64_t odd = bytes % entryBytes_;
  if (odd == 0) return;
  inspection_.add({.severity = mayBeBehind ? Severity::kNote : Severity::kError,
                   .file = kj::str(file_),
                   .position = bytes - odd,
                   .what = kj::str("the file ends in a part of an entry"),
                   .expected = kj::str("a multiple of ", entryBytes_, " bytes"),
                   .found = kj::str(bytes)});
}

// --- Offset index
// ------------------------------------------------------------------------------------------------------------

OffsetIndexCheck::OffsetIndexCheck(Inspection& inspection, const IndexPlace& place)
    : inspection_(inspection),
      place_(place),
      entries_(place.files, place.path),
      complaints_(inspection, place, OffsetIndex::kEntryBytes) {}

void OffsetIndexCheck::list() {
  auto& report = inspection_.report;
  for (uint64_t i = 0; i < entries_.size(); ++i) {
    KJ_IF_MAYBE(entry, entries_.at(i)) {
      report.open(kOffsetEntryItem);
      report.number("entry", static_cast<int64_t>(i), kNumberWidth);
      report.number("lastOffset", place_.base.value() + entry->relativeOffset, kNumberWidth);
      report.number("position", entry->position, kNumberWidth);
      report.close();
    }
  }
}

kj::Maybe<OffsetIndexEntry> OffsetIndexCheck::current() {
  return skipDisorder(entries_, next_, previous_, complaints_);
}

void OffsetIndexCheck::see(uint64_t position, uint64_t bytes, kj::Maybe<Offset> last) {
  for (;;) {
    KJ_IF_MAYBE(entry, current()) {
      auto at = static_cast<uint64_t>(entry->position);
      if (at >= position + bytes) return;
      KJ_IF_MAYBE(offset, last) {
        Offset named = place_.base + entry->relativeOffset;
        if (at != position) {
          complaints_.add(
              next_, kj::str("no batch begins at position ", at, " of the segment"),
              kj::str("the position of a batch; one begins at ", position, ", the next at ", position + bytes),
              tell(*entry));
        } else if (named != *offset) {
          complaints_.add(next_, kj::str("the entry has another offset than the batch that it points to"),
                          kj::str("last offset ", *offset, " of the batch at position ", position), kj::str(named));
        }
      }
      previous_ = *entry;
      ++next_;
    } else {
      return;
    }
  }
}

void OffsetIndexCheck::finish(uint64_t segmentBytes) {
  for (bool first = true;; first = false) {
    KJ_IF_MAYBE(entry, current()) {
      if (place_.mayBeBehind) {
        complaints_.note(next_, kj::str("they point behind the end of the segment; the next start cuts them"));
        break;
      }
      if (first) {
        complaints_.add(next_, kj::str("the entry points behind the end of the segment"),
                        kj::str("a position below ", segmentBytes), tell(*entry));
      }
      previous_ = *entry;
      ++next_;
    } else {
      break;
    }
  }
  complaints_.zeroEntries(entries_.size(), entries_.zeros(), place_.mayBeBehind);
  complaints_.oddSize(entries_.bytes(), place_.mayBeBehind);
}

void OffsetIndexCheck::checkOrder() {
  for (;; ++next_) {
    KJ_IF_MAYBE(entry, current()) {
      previous_ = *entry;
    } else {
      break;
    }
  }
  complaints_.zeroEntries(entries_.size(), entries_.zeros(), place_.mayBeBehind);
  complaints_.oddSize(entries_.bytes(), place_.mayBeBehind);
}

// --- Time index
// --------------------------------------------------------------------------------------------------------------

TimeIndexCheck::TimeIndexCheck(Inspection& inspection, const IndexPlace& place)
    : inspection_(inspection),
      place_(place),
      entries_(place.files, place.path),
      complaints_(inspection, place, TimeIndex::kEntryBytes) {}

void TimeIndexCheck::list() {
  auto& report = inspection_.report;
  for (uint64_t i = 0; i < entries_.size(); ++i) {
    KJ_IF_MAYBE(entry, entries_.at(i)) {
      report.open(kTimeEntryItem);
      report.number("entry", static_cast<int64_t>(i), kNumberWidth);
      report.time("timestamp", entry->timestamp);
      report.number("lastOffset", place_.base.value() + entry->relativeOffset, kNumberWidth);
      report.close();
    }
  }
}

kj::Maybe<TimeEntry> TimeIndexCheck::current() {
  return skipDisorder(entries_, next_, previous_, complaints_);
}

void TimeIndexCheck::see(Offset offset, kj::Maybe<BatchView> batch) {
  if (batch == nullptr) sawDamage_ = true;
  for (;;) {
    KJ_IF_MAYBE(entry, current()) {
      Offset named = place_.base + entry->relativeOffset;
      KJ_IF_MAYBE(view, batch) {
        if (named > view->lastOffset()) break;
        if (named < offset && sawDamage_) {
          // Its batch is among those that could not be read.
        } else if (named != view->lastOffset()) {
          complaints_.add(
              next_, kj::str("no batch ends with offset ", named),
              kj::str("the last offset of a batch; this one holds offsets ", offset, " to ", view->lastOffset()),
              tell(*entry));
        } else if (entry->timestamp != view->maxTimestamp()) {
          complaints_.add(next_, kj::str("the entry has another timestamp than its batch"),
                          kj::str("max timestamp ", view->maxTimestamp(), " of the batch at offset ", offset),
                          kj::str(entry->timestamp));
        } else if (entry->timestamp <= largest_) {
          complaints_.add(next_, kj::str("a batch before offset ", offset, " has this timestamp or a later one"),
                          kj::str("a timestamp later than ", largest_), kj::str(entry->timestamp));
        }
      } else {
        break;
      }
      previous_ = *entry;
      ++next_;
    } else {
      break;
    }
  }
  KJ_IF_MAYBE(view, batch) largest_ = kj::max(largest_, view->maxTimestamp());
}

void TimeIndexCheck::finish(Offset end) {
  for (bool first = true;; first = false) {
    KJ_IF_MAYBE(entry, current()) {
      if (place_.mayBeBehind) {
        complaints_.note(next_, kj::str("they name offsets behind the end of the segment; the next start cuts them"));
        break;
      }
      if (first && !sawDamage_) {
        complaints_.add(next_, kj::str("the entry names an offset behind the end of the segment"),
                        kj::str("an offset below ", end), tell(*entry));
      }
      previous_ = *entry;
      ++next_;
    } else {
      break;
    }
  }
  complaints_.zeroEntries(entries_.size(), entries_.zeros(), place_.mayBeBehind);
  complaints_.oddSize(entries_.bytes(), place_.mayBeBehind);
}

void TimeIndexCheck::checkOrder() {
  for (;; ++next_) {
    KJ_IF_MAYBE(entry, current()) {
      previous_ = *entry;
    } else {
      break;
    }
  }
  complaints_.zeroEntries(entries_.size(), entries_.zeros(), place_.mayBeBehind);
  complaints_.oddSize(entries_.bytes(), place_.mayBeBehind);
}

}  // namespace cambium::tools
