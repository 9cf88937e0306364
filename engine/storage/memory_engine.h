#pragma once

#include <map>
#include <mutex>

#include "engine/storage/memory_log.h"
#include "engine/storage/memory_tables.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// The disk of the memory engine: outlives the engines that are opened over it one after another, as a folder outlives
// programs, and knows what of its contents a power loss would take. Any thread, all methods; nothing here waits but for
// a lock.
class MemoryStore {
 public:
  MemoryStore() = default;
  KJ_DISALLOW_COPY(MemoryStore);

  // Power loss: everything that was not durable is gone. No engine may be open over the store.
  void crash();

  // From now on an append or a commit throws OVERLOADED, and changes nothing, when logs and tables together would hold
  // more.
  void setCapacity(Bytes capacity);
  // The next SyncJob::run() throws this. As everywhere: OVERLOADED when it may be called again.
  void failNextSync(kj::StringPtr reason, kj::Exception::Type type = kj::Exception::Type::FAILED);

 private:
  friend class MemoryEngine;
  friend class MemoryLog;
  friend class MemoryRewrite;
  friend class MemorySyncJob;

  struct NameLess {
    using is_transparent = void;
    bool operator()(kj::StringPtr a, kj::StringPtr b) const { return a < b; }
  };
  struct Contents {
    bool engineOpen = false;
    std::map<kj::String, kj::Own<MemoryLogData>, NameLess> logs;
    MemoryTables tables;
    kj::Maybe<Bytes> capacity;
    kj::Maybe<kj::Exception> syncFault;

    Bytes logBytes() const;
    void requireRoom(size_t more) const;
  };
  // The contents with the lock held. std::mutex, because thread sanitizers cannot see into kj's.
  class Access {
   public:
    explicit Access(MemoryStore& store) : lock_(store.mutex_), contents_(store.contents_) {}
    Contents* operator->() const { return &contents_; }

   private:
    std::lock_guard<std::mutex> lock_;
    Contents& contents_;
  };
  Access lock() { return Access(*this); }

  std::mutex mutex_;
  Contents contents_;
};

// The engine "memory": the model that the other engines are measured by. It promises no more than its interface says: a
// log's durable bound moves by finishSync() and by nothing that need not move it. An extent is closed by segmentBytes
// and segmentMs; there are no indexes. Recovery has nothing to do and reports nothing. Throws when another engine is
// open over `store`.
kj::Own<StorageEngine> openMemoryEngine(MemoryStore& store, EngineOptions options);

}  // namespace cambium
