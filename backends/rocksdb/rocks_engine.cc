#include "backends/rocksdb/rocks_engine.h"

#include <atomic>

#include <kj/debug.h>

#include "backends/rocksdb/bucket_set.h"
#include "backends/rocksdb/log_registry.h"
#include "backends/rocksdb/reclaimer.h"
#include "backends/rocksdb/rocks_engine_internal.h"
#include "backends/rocksdb/rocks_log.h"
#include "backends/rocksdb/rocks_tables.h"

namespace cambium::rocks {

namespace {

class RocksEngine final : public StorageEngine {
 public:
  RocksEngine(std::shared_ptr<rocksdb::FileSystem> fileSystem, kj::StringPtr path, RocksOptions options,
              EngineOptions engineOptions)
      : report_(kj::mv(engineOptions.report)),
        options_(options),
        store_(kj::heap<RocksStore>(path, options, std::move(fileSystem))),
        reclaimer_(kj::heap<Reclaimer>([this](kj::StringPtr line) { report_(line); })),
        registry_(*store_),
        buckets_(*store_, *reclaimer_, options),
        tables_(*store_) {
    for (auto& line : store_->recovered())
      report_(line);
    buckets_.reclaimUnused();
  }
  ~RocksEngine() noexcept(false) override {
    // The reclaimer's jobs use the others.
    reclaimer_ = nullptr;
  }

  kj::StringPtr name() const override { return "rocksdb"_kj; }

  kj::Own<PartitionLog> open(LogId id, LogOptions options) override {
    auto row = registry_.acquire(id);
    KJ_ON_SCOPE_FAILURE(registry_.release(id.name, true));
    return kj::heap<RocksLog>(*store_, buckets_, registry_, kj::str(id.name), row, options, report_);
  }

  kj::Array<LogId> list() override { return registry_.list(); }
  bool holds(const LogId& id) override { return registry_.holds(id); }

  void drop(LogId id) override {
    KJ_IF_MAYBE(row, registry_.acquireForDrop(id)) {
      KJ_ON_SCOPE_FAILURE(registry_.release(id.name, true));
      auto extents = LogRows(*store_, row->number).extents();
      rocksdb::WriteBatch batch;
      LogRowWriter writer(*store_, row->number, batch);
      eraseExtents(extents, buckets_, writer);
      if (extents.size() > 0) {
        // The last extent's row may lag behind its batches.
        auto& last = extents.back();
        writer.of(last.rewrite).eraseBatches(buckets_.find(last.bucket), last.first, kBehindAll);
        writer.eraseBlocks(extents.front().first, kBehindAll);
      }
      writer.eraseIndex(row->firstBatch, kBehindAll);
      registry_.putErasure(batch, id.name);
      store_->write(batch, RocksStore::Durability::kSynced, kj::str("dropping log ", id.name));
      registry_.erased(id.name);
      for (auto& extent : extents)
        buckets_.removeExtent(extent.bucket, extent.bytes);
    }
    reclaimer_->drain();
  }

  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) override { return tables_.get(table, key); }
  void scan(kj::StringPtr table, ByteView prefix,
            kj::FunctionParam<bool(ByteView key, ByteView value)> visit) override {
    tables_.scan(table, prefix, kj::mv(visit));
  }
  void commit(kj::ArrayPtr<const TableChange> changes) override { tables_.commit(changes); }

  EngineUsage usage() override {
    uint64_t rows = store_->bytesOnDevice(store_->index()) + store_->bytesOnDevice(store_->blocks()) +
                    store_->bytesOnDevice(store_->extents()) + store_->bytesOnDevice(store_->logs());
    return {buckets_.bytesOnDevice() + rows, tables_.bytesOnDevice(), store_->openFiles()};
  }

  Bytes owedBytes() override { return Bytes(store_->bytesInMemory()); }
  void reclaim() override {
    if (reclaiming_.exchange(true)) return;
    // On the thread that drops families.
    reclaimer_->add([this] {
      KJ_DEFER(reclaiming_ = false);
      store_->settle();
      buckets_.reclaimForSpace();
    });
  }

  void close() override {
    KJ_REQUIRE(registry_.openCount() == 0, "logs of the store are still open", store_->path(), registry_.openCount());
    reclaimer_->drain();
    store_->flushAll();
    store_->syncDurableEnds();
  }

 private:
  kj::Function<void(kj::StringPtr)> report_;
  RocksOptions options_;
  std::atomic<bool> reclaiming_{false};
  kj::Own<RocksStore> store_;
  kj::Own<Reclaimer> reclaimer_;
  LogRegistry registry_;
  BucketSet buckets_;
  RocksTables tables_;
};

}  // namespace

kj::Own<StorageEngine> openRocksEngineOn(std::shared_ptr<rocksdb::FileSystem> fileSystem, kj::StringPtr path,
                                         RocksOptions options, EngineOptions engineOptions) {
  return kj::heap<RocksEngine>(std::move(fileSystem), path, options, kj::mv(engineOptions));
}

}  // namespace cambium::rocks

namespace cambium {

kj::Own<StorageEngine> openRocksEngine(kj::StringPtr path, RocksOptions options, EngineOptions engineOptions) {
  return rocks::openRocksEngineOn(nullptr, path, options, kj::mv(engineOptions));
}

}  // namespace cambium
