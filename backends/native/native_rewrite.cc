#include "backends/native/native_rewrite.h"

#include <kj/debug.h>

#include "backends/native/native_log.h"
#include "backends/native/segment_swap.h"

namespace cambium {

namespace {

LogFolder copyOf(LogFolder& folder) {
  return LogFolder(folder.fileSystem, folder.indexCache, kj::str(folder.path), folder.options, [](kj::StringPtr) {});
}

}  // namespace

NativeRewrite::NativeRewrite(LogFolder& folder, kj::Own<const RewriteTicket> ticket, kj::Vector<SegmentSummary> sources)
    : folder_(copyOf(folder)),
      ticket_(kj::mv(ticket)),
      sources_(kj::mv(sources)),
      extension_(kj::str(".", folder.indexCache.newId(), kCleanedSuffix)),
      next_(ticket_->first) {}

NativeRewrite::~NativeRewrite() noexcept(false) {
  if (released_) return;
  KJ_IF_MAYBE(output, output_) {
    // What stays is removed when the log is opened next.
    kj::runCatchingExceptions([&] { (*output)->remove(); });
  }
}

// Runs `action`; what it did or threw counts only when the rewrite was not given up meanwhile.
void NativeRewrite::whileValid(kj::FunctionParam<void()> action) {
  ticket_->requireValid();
  try {
    action();
  } catch (const kj::Exception&) {
    ticket_->requireValid();
    throw;
  }
  ticket_->requireValid();
}

kj::Array<const kj::byte> NativeRewrite::read(Bytes bytesMax) {
  kj::Vector<kj::byte> out;
  whileValid([&] {
    for (;;) {
      if (pending_ == nullptr) pending_ = nextBatch();
      KJ_IF_MAYBE(batch, pending_) {
        if (out.size() > 0 && out.size() + batch->size() > bytesMax.value()) return;
        out.addAll(batch->bytes());
        pending_ = nullptr;
      } else {
        return;
      }
    }
  });
  return out.releaseAsArray();
}

// The next batch of the files; a view of it is good until the following call.
kj::Maybe<BatchView> NativeRewrite::nextBatch() {
  for (; source_ < sources_.size(); ++source_) {
    auto& source = sources_[source_];
    auto path = kj::str(folder_.path, "/", segmentFileName(source.base, kLogSuffix));
    if (scan_ == nullptr) {
      auto& file = file_.emplace(folder_.fileSystem.open(path, FileSystem::Mode::kRead));
      scan_ = kj::heap<BatchScan>(*file, 0, source.base);
    }
    auto& scan = *KJ_ASSERT_NONNULL(scan_);
    KJ_IF_MAYBE(batch, scan.next()) return *batch;
    if (scan.stopped().size() > 0 || scan.position() != source.bytes) {
      throwDamaged(folder_.fileSystem, path, scan.position(), source.end,
                   scan.stopped().size() > 0 ? scan.stopped() : "the file ends too early"_kj);
    }
    scan_ = nullptr;
    file_ = nullptr;
  }
  return nullptr;
}

void NativeRewrite::rewind() {
  ticket_->requireValid();
  pending_ = nullptr;
  scan_ = nullptr;
  file_ = nullptr;
  source_ = 0;
}

void NativeRewrite::write(ByteView batches) {
  KJ_REQUIRE(!finishing_, "the rewrite is finished", first(), end());
  Offset next = checkRewritten(batches, next_, end());
  kj::Vector<BatchView> views(8);
  BatchIterator iterator(batches);
  while (auto* batch = iterator.next())
    views.add(*batch);
  if (views.size() == 0) return;
  whileValid([&] {
    if (output_ == nullptr) output_ = Segment::create(folder_, first(), extension_);
    auto& output = *KJ_ASSERT_NONNULL(output_);
    KJ_REQUIRE(output.summary().bytes + batches.size() <= kRewrittenBytesMax, "too large for one segment", first(),
               end());
    output.append(batches, views);
    next_ = next;
  });
}

void NativeRewrite::finish() {
  KJ_REQUIRE(!finishing_ && next_ == end(), "what was written does not reach the end", first(), next_, end());
  finishing_ = true;
  whileValid([&] {
    auto& output = *KJ_ASSERT_NONNULL(output_);
    output.finishTimeIndex();
    output.saveIndexes();
    output.syncFiles();
    output.closeFile();
    folder_.fileSystem.syncDirectory(folder_.path);
    finished_ = true;
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// What the log does with it.

kj::Own<ExtentRewrite> NativeLog::startRewrite(Offset first, Offset end) {
  requireUsable();
  KJ_REQUIRE(end <= durable_.end, "only what is durable can be rewritten", id_.name, first, end, durable_.end);
  KJ_REQUIRE(end - first <= INT32_MAX, "too many offsets for one segment", id_.name, first, end);
  kj::Vector<SegmentSummary> sources;
  for (auto& segment : segments_) {
    if (segment.get() != &active() && segment->base() >= first && segment->summary().end <= end) {
      sources.add(segment->summary());
    }
  }
  bool whole = sources.size() > 0 && sources.front().base == first && sources.back().end == end;
  KJ_REQUIRE(whole, "what is to be rewritten must be closed segments", id_.name, first, end);
  return kj::heap<NativeRewrite>(*folder_, rewrites_.issue(first, end), kj::mv(sources));
}

bool NativeLog::finishRewrite(kj::Own<ExtentRewrite> rewrite) {
  requireUsable();
  auto& finished = static_cast<NativeRewrite&>(*rewrite);
  KJ_REQUIRE(finished.isFinished(), "a rewrite must be finished before it is put in place", id_.name, finished.first());
  if (!finished.ticket().isValid()) return false;
  guarded([&] {
    host_.beforeChange();
    changed_ = true;
    settleFolder();
    swapSegments(finished);
  });
  return true;
}

// What needs space comes first: a full device refuses it before anything was changed, and nothing later.
void NativeLog::swapSegments(NativeRewrite& rewrite) {
  Offset base = rewrite.first();
  auto isReplaced = [&](Offset segment) { return segment >= base && segment < rewrite.end(); };
  auto durable = isReplaced(durable_.base) ? rewrite.result() : durable_;
  LogState state = describe(durable);
  kj::Vector<SegmentSummary> listed;
  for (auto& segment : state.segments) {
    if (segment.base == base) listed.add(rewrite.result());
    if (!isReplaced(segment.base)) listed.add(segment);
  }
  state.segments = kj::mv(listed);
  bool begun = false;
  auto announce = [&] {
    begun = true;
    rewrite.release();
    announceSwap(*folder_, base, rewrite.extension());
  };
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { stateFile_->writeAround(encodeLogState(state), announce); })) {
    if (begun) committed([&] { kj::throwFatalException(kj::mv(*exception)); });
    kj::throwFatalException(kj::mv(*exception));
  }
  stateFile_->mark(stateFile_->ticket(), state.segments.back(), false);
  committed([&] {
    rewrites_.giveUp();
    forgetCursors();
    durable_ = durable;
    kj::Vector<Offset> replaced;
    kj::Vector<kj::Own<Segment>> segments;
    for (auto& segment : segments_) {
      if (segment->base() == base) segments.add(kj::heap<Segment>(*folder_, rewrite.result()));
      if (isReplaced(segment->base())) {
        replaced.add(segment->base());
      } else {
        segments.add(kj::mv(segment));
      }
    }
    segments_ = kj::mv(segments);
    completeSwap(*folder_, base, replaced);
    measure();
  });
}

void NativeLog::closeExtent() {
  requireUsable();
  if (active().summary().bytes == 0) return;
  guarded([&] {
    host_.beforeChange();
    changed_ = true;
    segments_.add(Segment::create(*folder_, end()));
    sealRolled(segments_.size() - 2);
  });
}

}  // namespace cambium
