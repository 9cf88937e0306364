#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <shared_mutex>
#include <string>
#include <vector>

#include "backends/rocksdb/durable_file.h"
#include "backends/rocksdb/key_layout.h"
#include "backends/rocksdb/rocks_engine.h"
#include "backends/rocksdb/wal_sync.h"

namespace cambium::rocks {

// Never with a null pointer, which the library would hand to memcmp.
inline rocksdb::Slice toSlice(ByteView bytes) {
  return bytes.size() == 0 ? rocksdb::Slice()
                           : rocksdb::Slice(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
}
inline rocksdb::Slice toSlice(const RowKey& key) {
  return toSlice(key.bytes());
}
inline ByteView toView(const rocksdb::Slice& slice) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(slice.data()), slice.size());
}

// The open database: its families, its writes and whether it can still be trusted. Any thread.
class RocksStore {
 public:
  using Family = rocksdb::ColumnFamilyHandle;

  // Opens or makes the store and recovers its write-ahead log: what is found is in synced files afterwards.
  // `fileSystem` may be null: the system's own. Throws as openRocksEngine() does.
  RocksStore(kj::StringPtr path, RocksOptions options, std::shared_ptr<rocksdb::FileSystem> fileSystem);
  // Opens an existing store for looking only: nothing is changed or locked, writes fail. What the write-ahead log holds
  // is seen as well. Any family is accepted.
  struct ReadOnly {};
  RocksStore(kj::StringPtr path, ReadOnly);
  // Closes the database without flushing: the write-ahead log has it all.
  ~RocksStore() noexcept(false);
  KJ_DISALLOW_COPY(RocksStore);

  kj::StringPtr path() const { return path_; }
  // What opening had to do that people should see.
  kj::ArrayPtr<const kj::String> recovered() const { return recovered_; }
  rocksdb::DB& db() { return *db_; }
  Family& meta() { return *meta_; }
  Family& logs() { return *logs_; }
  Family& index() { return *index_; }
  Family& blocks() { return *blocks_; }
  Family& extents() { return *extents_; }
  // Found at opening: bucket number -> family, table name -> family. For the objects that keep them from then on.
  const std::map<BucketNumber, Family*>& foundBuckets() const { return foundBuckets_; }
  const std::map<std::string, Family*>& foundTables() const { return foundTables_; }

  Family* createBucket(BucketNumber number);
  Family* createTable(kj::StringPtr table);
  // Removes a family with its files; the handle is gone afterwards. Takes some 100 ms for a full bucket.
  void dropFamily(Family* family);

  enum class Durability { kBuffered, kSynced };
  // Applies all of `batch` or nothing. OVERLOADED when the device is full: nothing was applied, also not after a crash,
  // and the next write tries to leave that state. After any other failure it is not known whether it was applied before
  // the store is opened again; the store is broken, unless only a synced one's sync was not tried for want of room.
  void write(rocksdb::WriteBatch& batch, Durability durability, kj::StringPtr context);
  // Copies the value of a key; null when there is none.
  kj::Maybe<kj::Array<kj::byte>> get(Family& family, ByteView key, kj::StringPtr context);

  WalSync& walSync() { return walSync_; }
  // Throws when an earlier failure makes the store's unsynced data doubtful.
  void requireHealthy();

  // Writes everything in memory to files and waits for it.
  void flushAll();
  // Makes durable what is known of the ends of files.
  void syncDurableEnds() { durable_->sync(); }
  // The same where there is room for it and it is worth it: the write-ahead log goes then. Ends the tight state. Not
  // while another thread drops families.
  void settle();
  // Free bytes of the device.
  uint64_t freeBytes();
  // A whole-number property of the library, summed over a family; 0 when the library does not know.
  uint64_t property(Family& family, const std::string& name);
  uint64_t bytesOnDevice(Family& family);
  // Whether the device has room for what of the family is in memory and for so much more.
  bool hasRoomToFlush(Family& family, uint64_t more);
  // Of all families: what is in the write-ahead log and has to get into files yet.
  uint64_t bytesInMemory();
  // Of all files of the write-ahead log that are still there.
  uint64_t bytesInWal();
  // About how many descriptors the library holds.
  uint64_t openFiles();

 private:
  class Listener;

  // Throws when something is missing that was durable. Begins to note what is.
  void requireDurable();
  void open(const std::vector<std::string>& families);
  void openReadOnly(const std::vector<std::string>& families);
  // Opens the database; when it refuses because the end of its write-ahead log was not written, with what is in front.
  rocksdb::DB* openDatabase(const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                            std::vector<Family*>& handles);
  void adopt(rocksdb::DB* db, const std::vector<Family*>& handles);
  void requireFormat();
  void writeFormat();
  Family* create(kj::StringPtr name, const rocksdb::ColumnFamilyOptions& options);
  // Runs a call of the library that writes the manifest by itself. Throws when the call fails.
  void changeManifest(kj::StringPtr context, kj::FunctionParam<rocksdb::Status()> change);
  // Makes the library begin a new manifest when a call of changeManifest() could not write the current one. Requires
  // recoveryMutex_ to be held alone.
  rocksdb::Status mendManifest();
  // Returns when writes can go on, at once when another thread has seen to that; throws OVERLOADED while they cannot.
  void leaveFullState();
  // Throws what became of a write.
  void requireWritten(const rocksdb::Status& status, kj::StringPtr context);
  void keepRowInMemory();
  // Makes a batch that was just written durable; FAILED when that is not known.
  void syncWritten(kj::StringPtr context);
  void breakStore(const kj::Exception& reason);
  // Throws OVERLOADED when the device has no room for `bytes` more: the library must not find that out by itself, it
  // does not always survive it.
  void requireRoom(uint64_t bytes);
  // The most that is written when everything in memory is.
  uint64_t bytesToFlush();
  // What must be free before that is done to the store as a whole.
  uint64_t bytesToSettle();
  void syncWal();

  kj::String path_;
  RocksOptions options_;
  std::shared_ptr<rocksdb::FileSystem> files_;
  std::unique_ptr<DurableFile> durable_;  // null when the store is opened for looking only
  std::unique_ptr<rocksdb::Env> env_;     // likewise; the default one then
  std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<rocksdb::DB> db_;
  WalSync walSync_;
  Family* meta_ = nullptr;
  Family* logs_ = nullptr;
  Family* index_ = nullptr;
  Family* blocks_ = nullptr;
  Family* extents_ = nullptr;
  std::map<BucketNumber, Family*> foundBuckets_;
  std::map<std::string, Family*> foundTables_;
  kj::Vector<kj::String> recovered_;

  std::mutex mutex_;
  // All handles, by name; guarded by mutex_. Must be gone before the database is.
  std::map<std::string, std::unique_ptr<Family>> families_;
  kj::Maybe<kj::Exception> failure_;  // guarded by mutex_
  std::atomic<bool> broken_{false};
  // So much may be written before the device is looked at again.
  std::atomic<int64_t> room_{0};
  // Opened on a device with hardly any room: memory is not written to files until there is.
  std::atomic<bool> tight_{false};
  // Held alone while the full state is left, and shared by calls that write the manifest: a failure of theirs in
  // between would stop the process, see mendManifest(). Taken before mutex_.
  std::shared_mutex recoveryMutex_;
  // A call of changeManifest() has failed since the full state was left.
  std::atomic<bool> isManifestInDoubt_{false};
  // A full device has refused a write, whose caller has been told, since the full state was left.
  std::atomic<bool> writeRefused_{false};
  // So many of the listener's seals have a row in memory after them.
  std::atomic<uint64_t> sealsCovered_{~uint64_t{0}};
};

}  // namespace cambium::rocks
