#pragma once

#include "backends/native/segment.h"
#include "engine/storage/extent_rewrite.h"

namespace cambium {

// A rewrite of sealed segments: reads their files through files of its own and writes a new segment beside them, under
// names of its own (segment_swap.h).
class NativeRewrite final : public ExtentRewrite {
 public:
  // `sources` are the segments that the ticket's range is made of. Takes from `folder` what may be used on any thread.
  NativeRewrite(LogFolder& folder, kj::Own<const RewriteTicket> ticket, kj::Vector<SegmentSummary> sources);
  ~NativeRewrite() noexcept(false) override;
  KJ_DISALLOW_COPY(NativeRewrite);

  Offset first() const override { return ticket_->first; }
  Offset end() const override { return ticket_->end; }
  kj::Array<const kj::byte> read(Bytes bytesMax) override;
  void rewind() override;
  void write(ByteView batches) override;
  void finish() override;

  const RewriteTicket& ticket() const { return *ticket_; }
  bool isFinished() const { return finished_; }
  // The new segment and what the names of its files end with; after finish().
  const SegmentSummary& result() const { return KJ_ASSERT_NONNULL(output_)->summary(); }
  kj::StringPtr extension() const { return extension_; }
  kj::ArrayPtr<const SegmentSummary> sources() const { return sources_; }
  // The files of the new segment are not this object's any more.
  void release() { released_ = true; }

 private:
  void whileValid(kj::FunctionParam<void()> action);
  kj::Maybe<BatchView> nextBatch();

  LogFolder folder_;
  kj::Own<const RewriteTicket> ticket_;
  const kj::Vector<SegmentSummary> sources_;
  const kj::String extension_;
  kj::Maybe<kj::Own<Segment>> output_;
  Offset next_;  // where the next batch to write begins
  bool finishing_ = false;
  bool finished_ = false;
  bool released_ = false;

  size_t source_ = 0;
  kj::Maybe<kj::Own<File>> file_;  // of that source
  kj::Maybe<kj::Own<BatchScan>> scan_;
  kj::Maybe<BatchView> pending_;  // walked over by the scan, but not handed out yet
};

}  // namespace cambium
