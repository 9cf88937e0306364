#include "engine/storage/memory_engine.h"

#include <algorithm>

#include <kj/debug.h>

#include "engine/storage/memory_rewrite.h"
#include "engine/storage/names.h"

namespace cambium {

Bytes MemoryStore::Contents::logBytes() const {
  Bytes total;
  for (auto& log : logs)
    total += log.second->sizeBytes().value();
  return total;
}

void MemoryStore::Contents::requireRoom(size_t more) const {
  KJ_IF_MAYBE(limit, capacity) {
    uint64_t used = logBytes().value() + tables.sizeBytes().value();
    if (used + more > limit->value()) {
      kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "no space left in the memory store", used, more, *limit));
    }
  }
}

void MemoryStore::crash() {
  auto contents = lock();
  KJ_REQUIRE(!contents->engineOpen, "destroy the engine before its store crashes");
  for (auto& log : contents->logs)
    log.second->loseVolatile();
}

void MemoryStore::setCapacity(Bytes capacity) {
  lock()->capacity = capacity;
}

void MemoryStore::failNextSync(kj::StringPtr reason, kj::Exception::Type type) {
  lock()->syncFault = kj::Exception(type, __FILE__, __LINE__, kj::str("the memory store cannot sync: ", reason));
}

// The wait for the device, of which there is none: what is left is its failure.
class MemorySyncJob final : public SyncJob {
 public:
  MemorySyncJob(MemoryStore& store, Offset end, Bytes bytes) : store_(store), end_(end), bytes_(bytes) {}

  Offset end() const override { return end_; }
  Bytes bytes() const override { return bytes_; }
  void run() override {
    KJ_REQUIRE(!ran_, "a sync job runs once");
    auto fault = kj::mv(store_.lock()->syncFault);
    ran_ = true;
    KJ_IF_MAYBE(exception, fault) {
      ran_ = exception->getType() != kj::Exception::Type::OVERLOADED;
      kj::throwFatalException(kj::mv(*exception));
    }
  }

 private:
  MemoryStore& store_;
  const Offset end_;
  const Bytes bytes_;
  bool ran_ = false;
};

// A handle on one MemoryLogData. Holds what a power loss or a destructor takes: the options, the running sync, the
// failure.
class MemoryLog final : public PartitionLog {
 public:
  MemoryLog(MemoryStore& store, MemoryLogData& data, LogOptions options)
      : store_(store), data_(data), options_(options) {}
  ~MemoryLog() noexcept(false) override {
    auto contents = store_.lock();
    data_.open = false;
  }

  Offset append(ByteView batches) override {
    auto contents = lockUsable();
    data_.checkAppend(batches);
    contents->requireRoom(batches.size());
    data_.append(batches, options_);
    return data_.bounds().end;
  }

  kj::Array<const kj::byte> read(Offset from, Offset upTo, Bytes bytesMax) override {
    auto contents = lockUsable();
    data_.checkRead(from, upTo);
    kj::Array<const kj::byte> batches;
    KJ_IF_MAYBE(damage, kj::runCatchingExceptions([&] { batches = data_.read(from, upTo, bytesMax); })) {
      failure_ = kj::str(damage->getDescription());
      kj::throwFatalException(kj::mv(*damage));
    }
    return batches;
  }

  kj::Maybe<TimeHit> seekTime(TimestampMs atLeast) override {
    auto contents = lockUsable();
    return data_.seekTime(atLeast);
  }

  kj::Maybe<TimeHit> maxTimestamp() override {
    auto contents = lockUsable();
    return data_.maxTimestamp();
  }

  kj::Maybe<kj::Own<SyncJob>> startSync() override {
    auto contents = lockUsable();
    KJ_REQUIRE(syncEnd_ == nullptr, "a sync of this log has not been finished");
    auto bounds = data_.bounds();
    if (bounds.durable == bounds.end) return nullptr;
    syncEnd_ = bounds.end;
    return kj::Own<SyncJob>(kj::heap<MemorySyncJob>(store_, bounds.end, data_.dirtyBytes()));
  }

  void finishSync(kj::Own<SyncJob> job) override {
    auto contents = lockUsable();
    data_.makeDurable(KJ_REQUIRE_NONNULL(syncEnd_, "no sync of this log was started"));
    syncEnd_ = nullptr;
  }

  void breakLog(kj::Own<SyncJob> job, kj::StringPtr reason) override {
    auto contents = lockUsable();
    data_.loseVolatile();
    failure_ = kj::str(reason);
  }

  void dropBefore(Offset start) override {
    auto contents = lockUsable();
    bool moves = start != data_.bounds().start;
    data_.dropBefore(start);
    if (moves) rewrites_.dropBefore(start);
  }

  void truncateFrom(Offset end) override {
    auto contents = lockUsable();
    data_.truncateFrom(end);
    lowerSyncEnd(end);
    rewrites_.truncateFrom(end);
  }

  void resetTo(Offset start) override {
    auto contents = lockUsable();
    data_.resetTo(start);
    lowerSyncEnd(start);
    rewrites_.giveUp();
  }

  kj::Own<ExtentRewrite> startRewrite(Offset first, Offset end) override {
    auto contents = lockUsable();
    data_.checkRewrite(first, end);
    return kj::heap<MemoryRewrite>(store_, rewrites_.issue(first, end), data_.contents(first, end));
  }

  bool finishRewrite(kj::Own<ExtentRewrite> rewrite) override {
    auto contents = lockUsable();
    auto& finished = static_cast<MemoryRewrite&>(*rewrite);
    KJ_REQUIRE(finished.isFinished(), "a rewrite must be finished before it is put in place", finished.first());
    if (!finished.ticket().isValid()) return false;
    data_.replace(finished.first(), finished.end(), finished.written());
    rewrites_.giveUp();
    return true;
  }

  void closeExtent() override {
    auto contents = lockUsable();
    data_.closeExtent();
  }

  Bounds bounds() const override {
    auto contents = lockUsable();
    return data_.bounds();
  }

  kj::Vector<Extent> extents() override {
    auto contents = lockUsable();
    return data_.extents();
  }

  Bytes sizeBytes() const override {
    auto contents = lockUsable();
    return data_.sizeBytes();
  }

  void configure(LogOptions options) override {
    auto contents = lockUsable();
    options_ = options;
  }

 private:
  MemoryStore::Access lockUsable() const {
    KJ_IF_MAYBE(reason, failure_) {
      KJ_FAIL_REQUIRE("the log is broken until it is opened again", *reason);
    }
    return store_.lock();
  }

  // What a running sync covers of batches that are gone, it does not cover of those that take their offsets.
  void lowerSyncEnd(Offset end) {
    KJ_IF_MAYBE(syncEnd, syncEnd_) {
      *syncEnd = std::min(*syncEnd, end);
    }
  }

  MemoryStore& store_;
  MemoryLogData& data_;  // guarded by the store's lock
  LogOptions options_;
  RewriteTickets rewrites_;
  kj::Maybe<Offset> syncEnd_;  // how far the running sync moves the durable bound
  kj::Maybe<kj::String> failure_;
};

class MemoryEngine final : public StorageEngine {
 public:
  explicit MemoryEngine(MemoryStore& store) : store_(store) {
    auto contents = store_.lock();
    KJ_REQUIRE(!contents->engineOpen, "another engine is open over this memory store");
    contents->engineOpen = true;
  }
  ~MemoryEngine() noexcept(false) override { store_.lock()->engineOpen = false; }

  kj::StringPtr name() const override { return "memory"; }

  kj::Own<PartitionLog> open(LogId id, LogOptions options) override {
    requireLogName(id.name);
    auto contents = store_.lock();
    auto found = contents->logs.find(id.name);
    if (found == contents->logs.end()) {
      found = contents->logs.emplace(kj::str(id.name), kj::heap<MemoryLogData>(id.incarnation)).first;
    }
    auto& data = *found->second;
    KJ_REQUIRE(data.incarnation == id.incarnation, "a log of this name but another incarnation exists: drop it first",
               id.name, id.incarnation, data.incarnation);
    KJ_REQUIRE(!data.open, "the log is open already", id.name);
    data.open = true;
    return kj::heap<MemoryLog>(store_, data, options);
  }

  kj::Array<LogId> list() override {
    auto contents = store_.lock();
    kj::Vector<LogId> ids;
    for (auto& log : contents->logs)
      ids.add(LogId{kj::str(log.first), log.second->incarnation});
    return ids.releaseAsArray();
  }

  bool holds(const LogId& id) override {
    auto contents = store_.lock();
    auto found = contents->logs.find(id.name);
    return found != contents->logs.end() && found->second->incarnation == id.incarnation;
  }

  void drop(LogId id) override {
    requireLogName(id.name);
    auto contents = store_.lock();
    auto found = contents->logs.find(id.name);
    if (found == contents->logs.end() || found->second->incarnation != id.incarnation) return;
    KJ_REQUIRE(!found->second->open, "a log that is open cannot be dropped", id.name);
    contents->logs.erase(found);
  }

  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) override {
    return store_.lock()->tables.get(table, key);
  }

  void scan(kj::StringPtr table, ByteView prefix,
            kj::FunctionParam<bool(ByteView key, ByteView value)> visit) override {
    store_.lock()->tables.scan(table, prefix, visit);
  }

  void commit(kj::ArrayPtr<const TableChange> changes) override {
    size_t size = 0;
    for (auto& change : changes) {
      KJ_IF_MAYBE(value, change.value) {
        size += change.key.size() + value->size();
      }
    }
    auto contents = store_.lock();
    if (size > 0) contents->requireRoom(size);
    contents->tables.commit(changes);
  }

  Bytes owedBytes() override { return Bytes(0); }
  void reclaim() override {}
  EngineUsage usage() override {
    auto contents = store_.lock();
    return {contents->logBytes(), contents->tables.sizeBytes(), 0};
  }

  void close() override {
    auto contents = store_.lock();
    for (auto& log : contents->logs)
      KJ_REQUIRE(!log.second->open, "a log is still open", log.first);
    for (auto& log : contents->logs)
      log.second->makeDurable(log.second->bounds().end);
  }

 private:
  MemoryStore& store_;
};

kj::Own<StorageEngine> openMemoryEngine(MemoryStore& store, EngineOptions options) {
  return kj::heap<MemoryEngine>(store);
}

}  // namespace cambium
