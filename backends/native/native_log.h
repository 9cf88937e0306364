#pragma once

#include "backends/native/segment.h"
#include "engine/storage/partition_log.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// What is known of a log that is not open, kept by the engine between openings and written to its checkpoint.
struct ClosedLog {
  LogState state;
  SegmentSummary durable;             // the last durable part, when the state describes more
  kj::Maybe<Offset> dirtyFrom;        // base of the first segment that has bytes to sync
  kj::Vector<kj::String> dirtyFiles;  // other files to sync
  bool dirtyFolder = false;           // segments were made
  bool newFolder = false;             // the folder itself is not durable yet
};

// The engine as its logs see it. Any thread.
class LogHost {
 public:
  virtual ~LogHost() noexcept(false) = default;

  // Called before anything is changed below the engine's folder: the clean mark is gone, durably, when it returns.
  virtual void beforeChange() = 0;
  // The log is closed; `closed` says how to open it again.
  virtual void released(kj::StringPtr name, ClosedLog closed) = 0;
  // This opening of the engine.
  virtual uint64_t session() = 0;
  // The folder that holds the logs' folders.
  virtual kj::StringPtr path() = 0;
  // That there is this log outlives a power loss on return, as its first batches do: with them gone it is missed.
  // False when that could not be written, and is to be tried again.
  virtual bool registerLog(const LogId& id) = 0;
  // What the open logs hold changed by that much.
  virtual void addBytes(int64_t bytes) = 0;
};

class NativeRewrite;

// A log over segment files; see log_folder.h for what lies where.
//
// A state file is written when the start moves, when the log is cut, reset or rewritten, with the first sync after a
// roll, and with a sync once more than 16 MiB became durable since the last one. The folder of a new log becomes
// durable with its first sync, and that there is such a log (LogHost::registerLog). Every sync renews the sync mark
// (sync_mark.h), and so does the first append.
class NativeLog final : public PartitionLog {
 public:
  // `segments` is not empty, its last one is active. `closed` says what of it is durable and what is still to be
  // synced.
  NativeLog(LogHost& host, kj::Own<LogFolder> folder, LogId id, Offset start, kj::Vector<kj::Own<Segment>> segments,
            ClosedLog closed);
  ~NativeLog() noexcept(false) override;
  KJ_DISALLOW_COPY(NativeLog);

  Offset append(ByteView batches) override;
  kj::Array<const kj::byte> read(Offset from, Offset upTo, Bytes bytesMax) override;
  kj::Maybe<TimeHit> seekTime(TimestampMs atLeast) override;
  kj::Maybe<TimeHit> maxTimestamp() override;
  kj::Maybe<kj::Own<SyncJob>> startSync() override;
  void finishSync(kj::Own<SyncJob> job) override;
  void breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) override;
  void dropBefore(Offset start) override;
  void truncateFrom(Offset end) override;
  void resetTo(Offset start) override;
  kj::Own<ExtentRewrite> startRewrite(Offset first, Offset end) override;
  bool finishRewrite(kj::Own<ExtentRewrite> rewrite) override;
  void closeExtent() override;
  Bounds bounds() const override;
  kj::Vector<Extent> extents() override;
  Bytes sizeBytes() const override;
  void configure(LogOptions options) override;

  // Writes the state file now; durable on return. Any time.
  void writeState();

 private:
  // Where the batch that begins at an offset lies: what a sequential reader asks for next.
  struct Cursor {
    Offset offset = kNoOffset;
    Offset segment;
    uint64_t position = 0;
  };
  static constexpr size_t kCursors = 4;

  class Job;
  struct ReadBuffer;
  // What the job that is out was given to sync: durable when it has finished, unknown until then.
  struct Given {
    kj::Maybe<Offset> dirtyFrom;
    kj::Vector<kj::String> files;
    bool dirtyFolder = false;
    bool newFolder = false;
  };

  Segment& active() { return *segments_.back(); }
  const Segment& active() const { return *segments_.back(); }
  Offset end() const { return active().summary().end; }
  Offset durableEnd() const { return kj::max(start_, durable_.end); }

  template <class Do>
  auto guarded(Do&& action) -> decltype(action());
  template <class Do>
  void committed(Do&& action);
  void breakWith(kj::StringPtr reason);
  void syncFailed(kj::StringPtr reason);
  void requireUsable() const;

  void appendRuns(ByteView batches, kj::ArrayPtr<const BatchView> views);
  void undoAppend(size_t segments, const Segment::Mark& mark);
  void sealRolled(size_t from);

  size_t segmentOf(Offset offset) const;
  uint64_t positionOf(Segment& segment, Offset from);
  void fill(ReadBuffer& buffer, size_t segment, uint64_t position);
  bool takeBatches(ReadBuffer& buffer, Segment& segment, uint64_t& position, size_t available);
  void growForFirst(ReadBuffer& buffer, Segment& segment, uint64_t position);
  void forgetCursors();

  LogState describe(const SegmentSummary& last) const;
  void putState(const LogState& state);
  void takeBack();
  kj::Own<Job> makeJob();
  void addStateTo(Job& job);
  void noteDirty(Offset segment);
  void markOpening();
  void syncAll();
  void settleFolder();
  void goOnEmpty(Offset start);
  void removeBelow(Offset start);
  void cutAt(size_t index, const BatchPlace& place);
  void finishReset(Offset start);
  void swapSegments(NativeRewrite& rewrite);
  ClosedLog describeClosed();
  void measure();

  LogHost& host_;
  kj::Own<LogFolder> folder_;
  const LogId id_;
  kj::Own<const LogStateFile> stateFile_;
  Offset start_;
  kj::Vector<kj::Own<Segment>> segments_;
  kj::Maybe<kj::String> broken_;
  bool lost_ = false;  // broken by a failed sync
  RewriteTickets rewrites_;
  bool resetting_ = false;  // a reset has begun and is not complete

  SegmentSummary durable_;              // of the segment that holds the durable end, as it was then
  kj::Maybe<SegmentSummary> inFlight_;  // what the job that is out will make durable; null when it was overtaken
  kj::Maybe<Offset> dirtyFrom_;         // base of the first segment with bytes that no job was made for
  kj::Vector<kj::String> dirtyFiles_;   // other files to sync: indexes of sealed segments, metadata
  bool dirtyFolder_ = false;
  bool newFolder_ = false;
  Given given_;
  uint64_t dirtyBytes_ = 0;
  uint64_t bytesSinceState_ = 0;
  bool rolledSinceState_ = false;
  bool changed_ = false;     // since it was opened
  bool marked_ = false;      // the sync mark is of this opening
  bool registered_ = false;  // the engine knows of this log, whatever becomes of its folder
  uint64_t sizeBytes_ = 0;

  Cursor cursors_[kCursors];
  size_t nextCursor_ = 0;
};

// Runs `action`; a failure that is not a full device breaks the log.
template <class Do>
auto NativeLog::guarded(Do&& action) -> decltype(action()) {
  requireUsable();
  try {
    return action();
  } catch (const kj::Exception& exception) {
    if (exception.getType() != kj::Exception::Type::OVERLOADED) breakWith(exception.getDescription());
    throw;
  }
}

// Runs `action`, behind which there is no way back: any failure breaks the log, and is none that could be tried again.
template <class Do>
void NativeLog::committed(Do&& action) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { action(); })) {
    breakWith(exception->getDescription());
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, exception->getFile(), exception->getLine(),
                                          kj::str(exception->getDescription())));
  }
}

// Makes a file durable unless it is not there any more; any thread.
void syncIfThere(FileSystem& fileSystem, kj::StringPtr path);

}  // namespace cambium
