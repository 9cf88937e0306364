#pragma once

#include "engine/storage/storage_engine.h"

namespace cambium {

// An engine whose n-th call fails, counting those that make, change or close logs; everything else goes to the engine
// behind it. One thread.
class FaultyEngine final : public StorageEngine {
 public:
  explicit FaultyEngine(StorageEngine& inner) : inner_(inner) {}

  // The n-th call from now on (from 1) throws; 0: none.
  void failAt(uint64_t n, kj::Exception::Type type) {
    failAt_ = n == 0 ? 0 : calls_ + n;
    type_ = type;
  }
  bool failed() const { return failAt_ != 0 && calls_ >= failAt_; }

  kj::StringPtr name() const override { return inner_.name(); }
  kj::Own<PartitionLog> open(LogId id, LogOptions options) override {
    count();
    return kj::heap<Log>(*this, inner_.open(kj::mv(id), options));
  }
  kj::Array<LogId> list() override { return inner_.list(); }
  bool holds(const LogId& id) override { return inner_.holds(id); }
  void drop(LogId id) override {
    count();
    inner_.drop(kj::mv(id));
  }
  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) override { return inner_.get(table, key); }
  void scan(kj::StringPtr table, ByteView prefix, kj::FunctionParam<bool(ByteView, ByteView)> visit) override {
    inner_.scan(table, prefix, kj::mv(visit));
  }
  void commit(kj::ArrayPtr<const TableChange> changes) override { inner_.commit(changes); }
  EngineUsage usage() override { return inner_.usage(); }
  Bytes owedBytes() override { return inner_.owedBytes(); }
  void reclaim() override { inner_.reclaim(); }
  void close() override { inner_.close(); }

 private:
  class Log final : public PartitionLog {
   public:
    Log(FaultyEngine& engine, kj::Own<PartitionLog> inner) : engine_(engine), inner_(kj::mv(inner)) {}

    Offset append(ByteView batches) override {
      engine_.count();
      return inner_->append(batches);
    }
    kj::Array<const kj::byte> read(Offset from, Offset upTo, Bytes bytesMax) override {
      return inner_->read(from, upTo, bytesMax);
    }
    kj::Maybe<TimeHit> seekTime(TimestampMs atLeast) override { return inner_->seekTime(atLeast); }
    kj::Maybe<TimeHit> maxTimestamp() override { return inner_->maxTimestamp(); }
    kj::Maybe<kj::Own<SyncJob>> startSync() override {
      engine_.count();
      return inner_->startSync();
    }
    void finishSync(kj::Own<SyncJob> job) override { inner_->finishSync(kj::mv(job)); }
    void breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) override { inner_->breakLog(kj::mv(job), reason); }
    void dropBefore(Offset start) override {
      engine_.count();
      inner_->dropBefore(start);
    }
    void truncateFrom(Offset end) override { inner_->truncateFrom(end); }
    void resetTo(Offset start) override {
      engine_.count();
      inner_->resetTo(start);
    }
    kj::Own<ExtentRewrite> startRewrite(Offset first, Offset end) override { return inner_->startRewrite(first, end); }
    bool finishRewrite(kj::Own<ExtentRewrite> rewrite) override { return inner_->finishRewrite(kj::mv(rewrite)); }
    void closeExtent() override { inner_->closeExtent(); }
    Bounds bounds() const override { return inner_->bounds(); }
    kj::Vector<Extent> extents() override { return inner_->extents(); }
    Bytes sizeBytes() const override { return inner_->sizeBytes(); }
    void configure(LogOptions options) override { inner_->configure(options); }

   private:
    FaultyEngine& engine_;
    kj::Own<PartitionLog> inner_;
  };

  void count() {
    if (++calls_ == failAt_) kj::throwFatalException(kj::Exception(type_, __FILE__, __LINE__, kj::str("no more")));
  }

  StorageEngine& inner_;
  uint64_t calls_ = 0;
  uint64_t failAt_ = 0;
  kj::Exception::Type type_ = kj::Exception::Type::FAILED;
};

}  // namespace cambium
