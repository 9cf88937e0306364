#pragma once

#include "backends/native/log_state.h"
#include "backends/native/segment_scan.h"

namespace cambium {

// An open file that a log and its sync jobs share. Only sync() may be called from another thread.
class SharedFile final : public kj::AtomicRefcounted {
 public:
  explicit SharedFile(kj::Own<File> file) : file_(kj::mv(file)) {}
  File& get() const { return *file_; }

 private:
  mutable kj::Own<File> file_;
};

// One piece of a log: a .log file with batches, and its indexes. The last segment of a log is active and grows; the
// others are sealed. A sealed segment holds only its summary in memory; its indexes come through the engine's cache.
//
// Appending goes: append() as often as wanted, then seal(). Index entries stay in memory until saveIndexes(); they can
// be rebuilt from the .log file at any time, and are when their files are missing or damaged.
class Segment {
 public:
  // What append() changes, to undo it.
  struct Mark {
    SegmentSummary summary;
    size_t offsetEntries;
    size_t timeEntries;
  };

  // A segment whose file exists and holds what `summary` says. `extension` is added to the names of its files.
  Segment(LogFolder& folder, const SegmentSummary& summary, kj::StringPtr extension = nullptr);
  // Makes an empty one. The files are new: what was there under that name is gone.
  static kj::Own<Segment> create(LogFolder& folder, Offset base, kj::StringPtr extension = nullptr);
  ~Segment() noexcept(false);
  KJ_DISALLOW_COPY(Segment);

  const SegmentSummary& summary() const { return summary_; }
  Offset base() const { return summary_.base; }
  kj::String path(kj::StringPtr suffix) const;
  const SharedFile& file();
  // Forgets the open file.
  void closeFile() { file_ = nullptr; }
  uint64_t fileBytes() const;

  // True when `batch` has to go into a new segment, by the folder's options.
  bool mustRollBefore(const BatchView& batch);
  // True when after `more` batches, of which `last` is the last, no rule but the size can ask for a roll.
  bool staysRoomyFor(size_t more, const BatchView& last);
  // Writes whole batches, all of which fit, at the end.
  void append(ByteView run, kj::ArrayPtr<const BatchView> batches);
  // Takes over a batch that the file already holds after what the summary describes.
  void adopt(const BatchView& batch);
  Mark mark();
  // Back to `mark`, the file too.
  void rollBack(const Mark& mark);
  // Adds the last time index entry: before the segment is sealed or its log closed.
  void finishTimeIndex();
  // Writes index entries that are not in the files yet and cuts what lies behind them.
  void saveIndexes();
  // Saves the indexes and lets go of them and of the file.
  void seal();
  bool hasUnsavedIndexes() const;

  // The first batch that ends beyond `offset`, or null when none does.
  kj::Maybe<BatchPlace> locate(Offset offset);
  // The first batch that ends beyond `from` and has a timestamp of at least `atLeast`, or null.
  kj::Maybe<BatchPlace> locateTime(TimestampMs atLeast, Offset from);
  // The first of the batches that end beyond `from` with the largest timestamp among them, or null.
  kj::Maybe<BatchPlace> locateNewest(Offset from);
  // Forgets everything from the batch at `place` on; the files follow with cutFiles().
  void truncate(const BatchPlace& place);
  // Makes the files end where the segment ends.
  void cutFiles();
  // Compares the sizes of the index files with the summary: trims or rebuilds them. Requires a sealed segment.
  void checkIndexFiles();
  // Makes the index files hold the indexes and nothing else.
  void trimIndexes();
  // Makes the batches and the saved indexes durable.
  void syncFiles();
  // Adds the entries that the saved indexes lack up to the end of what the summary describes. False when entries that
  // had been saved are not among them any more.
  bool completeIndexes();
  // Removes the files.
  void remove();

 private:
  const SegmentIndexes& indexes(kj::Own<const SealedIndexes>& hold);
  // A place in the files at which a lookup may begin, after the entries that say so were held against the batches.
  // Index files have no checksum: entries that do not agree with the batches are damage, and both indexes are built
  // anew.
  uint64_t soundPositionFor(int64_t relativeOffset);
  uint64_t soundPositionFor(TimestampMs atLeast);
  bool agrees(const OffsetIndexEntry* entry);  // null agrees
  bool agrees(const SegmentIndexes& indexes, const TimeEntry& entry);
  // The same for the last entries.
  bool endAgrees(const SegmentIndexes& indexes);
  void replaceIndexes();
  SegmentIndexes& ownIndexes();
  SegmentIndexes loadIndexes();
  kj::Maybe<SegmentIndexes> readIndexFiles();
  SegmentIndexes rebuildIndexes();
  void extendIndexes(SegmentIndexes& indexes);
  void note(SegmentIndexes& indexes, Offset last, TimestampMs maxTimestamp, uint64_t bytes);
  int32_t relative(Offset offset) const { return static_cast<int32_t>(offset - summary_.base); }
  HeaderScan headers(uint64_t position, uint64_t end);

  LogFolder& folder_;
  SegmentSummary summary_;
  const kj::String extension_;
  const uint64_t id_;
  kj::Maybe<kj::Own<const SharedFile>> file_;
  // While it is appended to, or until the indexes are saved.
  kj::Maybe<kj::Own<SegmentIndexes>> own_;
  bool trimIndexFiles_ = false;
};

}  // namespace cambium
