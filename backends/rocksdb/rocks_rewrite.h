#pragma once

#include "backends/rocksdb/bucket_set.h"
#include "backends/rocksdb/log_rows.h"
#include "engine/record/batch_view.h"

namespace cambium::rocks {

// A rewrite of extents of one log. Its rows and batches stand under keys of their own (see key_layout.h) until the log
// names them; a marker stands beside them, so that the next opening of the store clears them away after a crash.
class RocksRewrite final : public ExtentRewrite {
 public:
  // `sources` are the extents that the ticket's range is made of, `lowest` is the base offset of the log's first batch.
  RocksRewrite(RocksStore& store, BucketSet& buckets, kj::StringPtr name, LogNumber log,
               kj::Own<const RewriteTicket> ticket, kj::Vector<ExtentRow> sources, Offset lowest);
  ~RocksRewrite() noexcept(false) override;
  KJ_DISALLOW_COPY(RocksRewrite);

  Offset first() const override { return ticket_->first; }
  Offset end() const override { return ticket_->end; }
  kj::Array<const kj::byte> read(Bytes bytesMax) override;
  void rewind() override;
  void write(ByteView batches) override;
  void finish() override;

  const RewriteTicket& ticket() const { return *ticket_; }
  bool isFinished() const { return finished_; }
  kj::ArrayPtr<const ExtentRow> sources() const { return sources_; }
  // The new extent; after finish().
  const ExtentRow& result() const { return extent_; }
  // The rows are not this object's any more.
  void release() { released_ = true; }

 private:
  void whileValid(kj::FunctionParam<void()> action);
  kj::Vector<IndexRow> collect(Bytes bytesMax);
  void begin(const BatchView& batch);
  void writeSome(BatchIterator& batches);
  void note(const IndexRow& row, LogRowWriter& writer);

  RocksStore& store_;
  BucketSet& buckets_;
  const kj::String name_;
  const LogNumber log_;
  kj::Own<const RewriteTicket> ticket_;
  const kj::Vector<ExtentRow> sources_;
  const Offset lowest_;
  kj::Vector<BucketSet::Lease> pins_;  // of the sources' buckets
  const RewriteNumber number_;

  Offset readNext_;
  kj::Maybe<BucketSet::Lease> lease_;  // of the bucket that is written to
  ExtentRow extent_{};
  BlockRow block_{};
  uint32_t blockRows_ = 0;
  bool finishing_ = false;
  bool finished_ = false;
  bool released_ = false;
};

}  // namespace cambium::rocks
