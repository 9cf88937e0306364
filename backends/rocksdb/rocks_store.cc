#include "backends/rocksdb/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <vector>

#include <kj/debug.h>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/family_options.h"
#include "backends/rocksdb/hardware_crc32c.h"
#include "backends/rocksdb/silent_logger.h"
#include "backends/rocksdb/store_files.h"
#include "backends/rocksdb/tracked_files.h"
#include "backends/rocksdb/unwritten_end.h"
#include "engine/base/byte_cursor.h"
#include "engine/storage/durable_folder.h"

namespace cambium::rocks {

class RocksStore::Listener final : public rocksdb::EventListener {
 public:
  // Syncs a file of the write-ahead log before anything goes into the next one. The library itself does so only some
  // time later, so that a power loss could take the end of one file and leave the beginning of the next: a hole in the
  // middle of a log.
  void OnMemTableSealed(const rocksdb::MemTableInfo&) override {
    ++seals;
    // A failure puts the database into its error state: the write that follows reports it.
    if (auto* opened = db.load()) opened->SyncWAL().PermitUncheckedError();
  }

  // Seen here before whoever writes hears of it: in between, a sync would stop the process, see syncWal().
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    if (!error->IsNoSpace()) return;
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback) unusableWal = numberOfCurrentWal(*db.load());
    ++fullErrors;
    full = true;
  }

  // 0 when the library does not say.
  static uint64_t numberOfCurrentWal(rocksdb::DB& db) {
    std::unique_ptr<rocksdb::LogFile> file;
    return db.GetCurrentWalFile(&file).ok() ? file->LogNumber() : 0;
  }

  // After a full device the store goes on when the next write comes, see leaveFullState(); the library would look every
  // five seconds on a thread of its own.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* autoRecovery) override {
    *autoRecovery = false;
  }

  std::atomic<rocksdb::DB*> db{nullptr};
  std::atomic<bool> full{false};  // until leaveFullState()
  std::atomic<uint64_t> fullErrors{0};
  // The log file to which a write has failed for want of room: nothing more can be done with it.
  std::atomic<uint64_t> unusableWal{0};
  // Memtables that came to their end; see keepRowInMemory().
  std::atomic<uint64_t> seals{0};
};

namespace {

// The library makes a new store where it finds no CURRENT file and then deletes the files it does not know.
void refuseHeadlessStore(rocksdb::Env& env, kj::StringPtr path) {
  if (env.FileExists((kj::str(path, "/CURRENT")).cStr()).ok()) return;
  std::vector<std::string> names;
  if (!env.GetChildren(path.cStr(), &names).ok()) return;
  for (auto& name : names) {
    // The first manifest alone is a store whose making was interrupted: it never held anything.
    bool isManifest = name.starts_with("MANIFEST-") && name != "MANIFEST-000001";
    bool isData = isManifest || name.ends_with(".sst") || name.ends_with(".log");
    KJ_REQUIRE(
        !isData,
        "the folder holds parts of a RocksDB store, but its CURRENT file is missing; nothing was changed: restore that "
        "file (it names the MANIFEST file, one line) or choose another folder",
        path, name.c_str());
  }
}

// Left for what the library writes beside the rows it is given.
constexpr uint64_t kRoomMargin = uint64_t{256} << 10;
constexpr int64_t kRoomLookBytes = int64_t{8} << 20;
// A family comes or goes with some rows of the manifest.
constexpr uint64_t kFamilyBytes = uint64_t{16} << 10;
// A new manifest, log and information log: what an opening writes in any case.
constexpr uint64_t kOpeningBytes = uint64_t{1} << 20;

// Beside what is in memory: a new log file, the manifest.
constexpr uint64_t kSettleMargin = uint64_t{8} << 20;
constexpr uint64_t kFlushMargin = uint64_t{2} << 20;
constexpr int kResumesMax = 3;
constexpr uint64_t kWorthSettling = uint64_t{1} << 20;

bool isEmpty(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family) {
  std::unique_ptr<rocksdb::Iterator> iterator(db.NewIterator(rocksdb::ReadOptions(), &family));
  iterator->SeekToFirst();
  check(iterator->status(), "reading the first row of the store");
  return !iterator->Valid();
}

// Below TrackedFiles: how much of a file is sound is not known yet, and only that is durable.
void syncLogFiles(rocksdb::FileSystem& files, kj::StringPtr folder) {
  rocksdb::IOOptions options;
  std::vector<std::string> names;
  check(files.GetChildren(folder.cStr(), options, &names, nullptr), kj::str("listing ", folder));
  for (auto& name : names) {
    if (walNumber(name) == nullptr) continue;
    auto path = kj::str(folder, "/", name.c_str());
    std::unique_ptr<rocksdb::FSWritableFile> file;
    check(files.ReopenWritableFile(path.cStr(), rocksdb::FileOptions(), &file, nullptr), kj::str("opening ", path));
    check(file->Fsync(options, nullptr), kj::str("syncing ", path));
    check(file->Close(options, nullptr), kj::str("closing ", path));
  }
  std::unique_ptr<rocksdb::FSDirectory> directory;
  check(files.NewDirectory(folder.cStr(), options, &directory, nullptr), kj::str("opening ", folder));
  check(directory->Fsync(options, nullptr), kj::str("syncing ", folder));
}

}  // namespace

RocksStore::RocksStore(kj::StringPtr path, RocksOptions options, std::shared_ptr<rocksdb::FileSystem> fileSystem)
    : path_(kj::str(path)),
      options_(options),
      listener_(std::make_shared<Listener>()),
      walSync_([this] { syncWal(); }) {
  KJ_REQUIRE(options_.openFilesMax >= 32, "a RocksDB store needs at least 32 open files", options_.openFilesMax);
  // Links the replacement in; see there.
  hardwareChecksumBytes();
  makeDurableFolder(path);
  files_ = fileSystem != nullptr ? std::move(fileSystem) : rocksdb::FileSystem::Default();
  durable_ = std::make_unique<DurableFile>(files_, path_.cStr());
  env_ = rocksdb::NewCompositeEnv(trackedFiles(files_, *durable_));
  auto& env = *env_;
  refuseHeadlessStore(env, path);
  requireDurable();
  cache_ = rocksdb::NewLRUCache(options_.cacheBytes.value(), 2);

  if (!env.FileExists(kj::str(path, "/CURRENT").cStr()).ok()) {
    open({rocksdb::kDefaultColumnFamilyName});
    return;
  }
  std::vector<std::string> families;
  auto list = [&] { return rocksdb::DB::ListColumnFamilies(databaseOptions(options_, &env), path_.cStr(), &families); };
  auto listed = list();
  kj::Maybe<ManifestCut> cut;
  if (listed.IsCorruption()) {
    cut = ManifestCut::tryCut(env, path_);
    if (cut != nullptr) listed = list();
  }
  auto failure = kj::runCatchingExceptions([&] {
    check(listed, kj::str("cannot read the store in ", path));
    open(families);
  });
  KJ_IF_MAYBE(made, cut) {
    if (failure != nullptr) kj::runCatchingExceptions([&] { made->undo(); });
    recovered_.add(kj::str(made->report()));
  }
  KJ_IF_MAYBE(exception, failure) kj::throwFatalException(kj::mv(*exception));
}

void RocksStore::requireDurable() {
  DurableEnds ends;
  auto failure = kj::runCatchingExceptions([&] {
    KJ_IF_MAYBE(found, durable_->read()) ends = std::move(*found);
  });
  KJ_IF_MAYBE(exception, failure) {
    recovered_.add(kj::str(exception->getDescription(), ": it cannot be told whether the store lost something"));
  }
  if (options_.stopAtDamage) ends = {};
  requireDurableEnds(*env_, path_, ends);
  durable_->begin(std::move(ends));
}

RocksStore::~RocksStore() noexcept(false) {
  listener_->db = nullptr;
  families_.clear();
  db_->Close().PermitUncheckedError();
}

RocksStore::RocksStore(kj::StringPtr path, ReadOnly)
    : path_(kj::str(path)), listener_(std::make_shared<Listener>()), walSync_([this] { syncWal(); }) {
  auto& env = *rocksdb::Env::Default();
  KJ_REQUIRE(env.FileExists(kj::str(path, "/CURRENT").cStr()).ok(), "there is no RocksDB store in this folder", path);
  cache_ = rocksdb::NewLRUCache(options_.cacheBytes.value(), 2);
  std::vector<std::string> families;
  check(rocksdb::DB::ListColumnFamilies(databaseOptions(options_, &env), path.cStr(), &families),
        kj::str("cannot read the store in ", path));
  openReadOnly(families);
}

void RocksStore::openReadOnly(const std::vector<std::string>& families) {
  auto dbOptions = databaseOptions(options_, rocksdb::Env::Default());
  dbOptions.create_if_missing = false;
  // The library would begin a new information log in the folder.
  dbOptions.info_log = std::make_shared<SilentLogger>();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (auto& name : families) {
    bool isBucket = parseBucketFamily(name.c_str()) != nullptr;
    descriptors.emplace_back(name, isBucket ? bucketOptions(options_) : rowOptions(options_, cache_));
  }
  std::vector<Family*> handles;
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::OpenForReadOnly(dbOptions, path_.cStr(), descriptors, &handles, &db),
        kj::str("cannot open the store in ", path_));
  adopt(db, handles);
  requireFormat();
  for (auto name : {kLogsFamily, kIndexFamily, kBlocksFamily, kExtentsFamily}) {
    KJ_REQUIRE(families_.contains(name.cStr()), "the store lacks a column family that each one has", path_, name);
  }
  logs_ = families_.at(kLogsFamily.cStr()).get();
  index_ = families_.at(kIndexFamily.cStr()).get();
  blocks_ = families_.at(kBlocksFamily.cStr()).get();
  extents_ = families_.at(kExtentsFamily.cStr()).get();
}

void RocksStore::open(const std::vector<std::string>& families) {
  auto& env = *env_;
  uint64_t free = 0;
  auto asked = env.GetFreeSpace(path_.cStr(), &free);
  KJ_REQUIRE(!asked.ok() || free >= kOpeningBytes,
             "the device is full: a RocksDB store can only be opened with some room; free some space on it", path_,
             free, kOpeningBytes);
  tight_ = asked.ok() && free < options_.tightBytes.value();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (auto& name : families) {
    bool isBucket = parseBucketFamily(name.c_str()) != nullptr;
    bool isKnown = isBucket || parseTableFamily(name.c_str()) != nullptr || name == rocksdb::kDefaultColumnFamilyName ||
                   name == kLogsFamily.cStr() || name == kIndexFamily.cStr() || name == kBlocksFamily.cStr() ||
                   name == kExtentsFamily.cStr();
    KJ_REQUIRE(
        isKnown,
        "the store has a column family of a kind this version does not know: a newer version, or another program, "
        "wrote it",
        path_, name.c_str());
    auto familyOptions = isBucket ? bucketOptions(options_) : rowOptions(options_, cache_);
    // Everything that the write-ahead log can hold fits into memory, so that nothing is written while it is read.
    if (tight_) {
      familyOptions.write_buffer_size = 2 * options_.walBytesMax.value();
      familyOptions.disable_auto_compactions = true;
    }
    descriptors.emplace_back(name, familyOptions);
  }
  std::vector<Family*> handles;
  auto* db = openDatabase(descriptors, handles);
  adopt(db, handles);
  listener_->db = db;
  // A crash may have come before the first write to a new store.
  if (families.size() > 1 || !isEmpty(*db, *meta_)) {
    requireFormat();
  } else {
    writeFormat();
  }

  auto fixed = [&](kj::StringPtr name) {
    auto found = families_.find(name.cStr());
    return found != families_.end() ? found->second.get() : create(name, rowOptions(options_, cache_));
  };
  logs_ = fixed(kLogsFamily);
  index_ = fixed(kIndexFamily);
  blocks_ = fixed(kBlocksFamily);
  extents_ = fixed(kExtentsFamily);
  // With some room the store is as it always is from the beginning.
  if (tight_ && free >= 2 * bytesToSettle()) settle();
}

rocksdb::DB* RocksStore::openDatabase(const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                                      std::vector<Family*>& handles) {
  auto& env = *env_;
  auto dbOptions = databaseOptions(options_, &env);
  dbOptions.listeners.push_back(listener_);
  if (tight_) {
    dbOptions.avoid_flush_during_recovery = true;
    // Space taken in advance is what others need now.
    dbOptions.allow_fallocate = false;
    // What was recovered stays in these files, and counts as durable from now on; the library does not sync them again.
    syncLogFiles(*files_, path_);
  }
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(dbOptions, path_.cStr(), families, &handles, &db);
  if (status.IsCorruption()) {
    KJ_IF_MAYBE(copied, copyUnwrittenWalEnd(env, path_)) {
      recovered_.add(kj::mv(*copied));
      // Up to the last sound record, which is all that can have been synced.
      dbOptions.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
      handles.clear();
      status = rocksdb::DB::Open(dbOptions, path_.cStr(), families, &handles, &db);
    }
  }
  check(status, kj::str("cannot open the store in ", path_));
  return db;
}

void RocksStore::adopt(rocksdb::DB* db, const std::vector<Family*>& handles) {
  db_.reset(db);
  for (auto* handle : handles) {
    const std::string& name = handle->GetName();
    families_[name].reset(handle);
    KJ_IF_MAYBE(bucket, parseBucketFamily(name.c_str())) foundBuckets_[*bucket] = handle;
    KJ_IF_MAYBE(table, parseTableFamily(name.c_str())) foundTables_[table->cStr()] = handle;
  }
  meta_ = families_.at(rocksdb::kDefaultColumnFamilyName).get();
}

void RocksStore::writeFormat() {
  kj::byte version[4];
  storeBigEndian(version, kFormatVersion);
  rocksdb::WriteBatch batch;
  check(batch.Put(meta_, "format", toSlice(kj::arrayPtr(version, 4))), "format version");
  write(batch, Durability::kSynced, "writing the format version");
  // Out of the write-ahead log, so that no damage to that makes the store look like somebody else's.
  check(db_->Flush(rocksdb::FlushOptions(), meta_), "writing the format version");
}

void RocksStore::requireFormat() {
  auto format = get(*meta_, "format"_kj.asBytes(), "reading the format version");
  auto& found =
      KJ_REQUIRE_NONNULL(format, "the RocksDB store in this folder is not Cambium's: it has no format version", path_);
  KJ_REQUIRE(found.size() == 4 && loadBigEndian<uint32_t>(found.begin()) == kFormatVersion,
             "the store has another format version than this program writes: use the version that wrote it", path_,
             kFormatVersion);
}

RocksStore::Family* RocksStore::create(kj::StringPtr name, const rocksdb::ColumnFamilyOptions& options) {
  Family* family = nullptr;
  requireRoom(kFamilyBytes);
  changeManifest(kj::str("cannot make column family ", name, " in ", path_),
                 [&] { return db_->CreateColumnFamily(options, name.cStr(), &family); });
  std::lock_guard<std::mutex> lock(mutex_);
  families_[name.cStr()].reset(family);
  return family;
}

RocksStore::Family* RocksStore::createBucket(BucketNumber number) {
  requireHealthy();
  return create(bucketFamily(number), bucketOptions(options_));
}

RocksStore::Family* RocksStore::createTable(kj::StringPtr table) {
  requireHealthy();
  return create(tableFamily(table), rowOptions(options_, cache_));
}

void RocksStore::changeManifest(kj::StringPtr context, kj::FunctionParam<rocksdb::Status()> change) {
  std::shared_lock lock(recoveryMutex_);
  auto status = change();
  if (!status.ok()) isManifestInDoubt_ = true;
  // The next one looks at the device first.
  if (status.IsNoSpace()) room_ = 0;
  check(status, context);
}

// When a flush cannot write the manifest, the library notes that and keeps all files until Resume() has begun a new
// manifest. For calls that make, drop and configure families it does not: Resume() then meets an unusable manifest
// that it knows nothing of, and an assertion in Debian's library stops the process. Any change of the manifest begins a
// new one; setting an option to its default value is the smallest.
rocksdb::Status RocksStore::mendManifest() {
  if (!isManifestInDoubt_.load()) return rocksdb::Status::OK();
  auto status = db_->SetOptions(meta_, {{"max_sequential_skip_in_iterations", "8"}});
  isManifestInDoubt_ = !status.ok();
  return status;
}

void RocksStore::dropFamily(Family* family) {
  std::string name = family->GetName();
  requireRoom(kFamilyBytes);
  changeManifest(kj::str("cannot drop column family ", name.c_str(), " in ", path_),
                 [&] { return db_->DropColumnFamily(family); });
  std::unique_ptr<Family> last;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = families_.find(name);
    last = std::move(found->second);
    families_.erase(found);
  }
  // Destroying the last handle, here and without the lock, unlinks the files.
}

namespace {

// The library writes in one go what several threads bring at once: one of them reads the batches of the others, in an
// order that ThreadSanitizer cannot see, because Debian's library is built without it. Under it they take turns.
rocksdb::Status writeGrouped(rocksdb::DB& db, const rocksdb::WriteOptions& options, rocksdb::WriteBatch& batch) {
#if __has_feature(thread_sanitizer)
  static std::mutex turn;
  std::lock_guard lock(turn);
#endif
  return db.Write(options, &batch);
}

}  // namespace

void RocksStore::write(rocksdb::WriteBatch& batch, Durability durability, kj::StringPtr context) {
  requireHealthy();
  if (listener_->full.load()) leaveFullState();
  requireRoom(batch.GetDataSize());
  keepRowInMemory();
  requireWritten(writeGrouped(*db_, rocksdb::WriteOptions(), batch), context);
  if (durability == Durability::kSynced) syncWritten(context);
}

void RocksStore::requireWritten(const rocksdb::Status& status, kj::StringPtr context) {
  if (status.ok()) return;
  auto exception = toException(status, context);
  if (exception.getType() == kj::Exception::Type::OVERLOADED) {
    writeRefused_ = true;
    listener_->full = true;
  } else {
    breakStore(exception);
  }
  kj::throwFatalException(kj::mv(exception));
}

// Leaving the full state takes a new log file, which the library begins only when it has something to flush. A deletion
// of nothing that does not go into the log is enough. (Nothing is in memory all the same when the write that follows
// begins a new log file by itself; if just that one finds no room, the store has to be opened again.)
void RocksStore::keepRowInMemory() {
  auto seals = listener_->seals.load();
  if (sealsCovered_.load() == seals) return;
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true;
  rocksdb::WriteBatch batch;
  check(batch.Delete(meta_, "nothing"), "keeping a row in memory");
  requireWritten(writeGrouped(*db_, unlogged, batch), "keeping a row in memory");
  sealsCovered_ = seals;
}

// The library's own synced write does not tell a full device that refused the batch from one that the batch was
// written to, but that had no room when it was synced: a crash may then bring it back.
void RocksStore::syncWritten(kj::StringPtr context) {
  KJ_IF_MAYBE(failure, kj::runCatchingExceptions([this] { walSync_.ensure(walSync_.mark()); })) {
    // Also when the device has become full in between and the sync was not tried: the batch cannot be taken back, and
    // becomes durable with everything else when there is room.
    kj::throwFatalException(
        kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                      kj::str(context, ": written, but not known to be durable: ", failure->getDescription())));
  }
}

void RocksStore::requireRoom(uint64_t bytes) {
  auto size = static_cast<int64_t>(bytes);
  if (room_.fetch_sub(size, std::memory_order_relaxed) >= size) return;
  auto room = static_cast<int64_t>(freeBytes()) - static_cast<int64_t>(kRoomMargin);
  if (room < size) {
    room_ = 0;
    kj::throwFatalException(KJ_EXCEPTION(OVERLOADED, "the device is full: free some space on it", path_,
                                         room + int64_t{kRoomMargin}, bytes));
  }
  // Others write as well.
  room_ = kj::min(room / 4, kRoomLookBytes) - size;
}

void RocksStore::leaveFullState() {
  // One at a time: the library answers Busy to a second attempt beside the first.
  std::lock_guard lock(recoveryMutex_);
  if (!listener_->full.load()) return;
  requireHealthy();
  // Trying too early would make the library give up for good, so there must be room for what is in memory and a new log
  // file.
  uint64_t free = freeBytes();
  uint64_t needed = free < kSettleMargin ? kSettleMargin : bytesToSettle();
  if (free < needed) {
    kj::throwFatalException(KJ_EXCEPTION(
        OVERLOADED, "the device is full; the store goes on when it has free bytes again", path_, free, needed));
  }
  // The listener hears of an error before the library acts upon it, the writer after that.
  bool isKnown = writeRefused_.load();
  // Everything that was answered is still in memory; resuming writes it to fresh files before it lets new writes in.
  // That is why this is sound here and would not be after a failed sync.
  uint64_t errors;
  auto resume = [&] {
    errors = listener_->fullErrors.load();
    auto mended = mendManifest();
    return mended.ok() ? db_->Resume() : mended;
  };
  auto resumed = resume();
  // A compaction that met the full device and ended only while the library waited for it makes it answer so, although
  // everything was written.
  auto passes = [&] { return resumed.IsNoSpace() && resumed.severity() < rocksdb::Status::kFatalError; };
  for (int i = 1; i < kResumesMax && passes(); ++i)
    resumed = resume();
  // With a log file to which a write has failed, an assertion in Debian's library would stop the process at the next
  // write or sync.
  uint64_t unusable = listener_->unusableWal.load();
  bool isStuck = resumed.ok() && unusable != 0 && Listener::numberOfCurrentWal(*db_) == unusable;
  if (isStuck && isKnown) resumed = rocksdb::Status::IOError("its log file cannot be replaced");
  if (resumed.IsBusy() || passes() || (resumed.ok() && isStuck)) {
    // Still full, or the library is recovering by itself; nothing is lost.
    kj::throwFatalException(
        KJ_EXCEPTION(OVERLOADED, "the device was full and the store is still recovering from that; try again", path_));
  }
  if (!resumed.ok()) {
    auto shown = toException(
        resumed, kj::str("the device of ", path_, " was full and the store cannot go on until it is opened again"));
    kj::Exception exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(shown.getDescription()));
    breakStore(exception);
    kj::throwFatalException(kj::mv(exception));
  }
  writeRefused_ = false;
  listener_->full = false;
  // What came in between counts.
  if (listener_->fullErrors.load() != errors) listener_->full = true;
}

kj::Maybe<kj::Array<kj::byte>> RocksStore::get(Family& family, ByteView key, kj::StringPtr context) {
  rocksdb::PinnableSlice value;
  auto status = db_->Get(rocksdb::ReadOptions(), &family, toSlice(key), &value);
  if (status.IsNotFound()) return nullptr;
  check(status, context);
  return kj::heapArray<kj::byte>(toView(value));
}

void RocksStore::syncWal() {
  requireHealthy();
  // The library stops the process, by an assertion, when a log file is synced to which a write has failed. Leaving this
  // state makes everything durable that was answered, and begins a new file.
  if (listener_->full.load()) leaveFullState();
  auto status = [&] {
    // The sync of a log file that is complete is written to the manifest.
    std::shared_lock lock(recoveryMutex_);
    return db_->SyncWAL();
  }();
  if (status.ok()) return;
  // Whatever the reason, also a full device: the system may have thrown away what it could not write.
  auto shown = toException(status, kj::str("syncing the write-ahead log of ", path_));
  kj::Exception exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(shown.getDescription()));
  breakStore(exception);
  kj::throwFatalException(kj::mv(exception));
}

void RocksStore::breakStore(const kj::Exception& reason) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (failure_ == nullptr) failure_ = kj::cp(reason);
  broken_ = true;
}

void RocksStore::requireHealthy() {
  if (!broken_.load(std::memory_order_acquire)) return;
  kj::Exception copy = [&] {
    std::lock_guard<std::mutex> lock(mutex_);
    return kj::cp(KJ_ASSERT_NONNULL(failure_));
  }();
  kj::throwFatalException(kj::mv(copy));
}

void RocksStore::flushAll() {
  requireHealthy();
  std::vector<Family*> families;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [name, family] : families_)
      families.push_back(family.get());
  }
  // One by one: the call for many families syncs the log for each of them, empty or not.
  for (auto* family : families) {
    if (property(*family, rocksdb::DB::Properties::kNumEntriesActiveMemTable) == 0 &&
        property(*family, rocksdb::DB::Properties::kNumEntriesImmMemTables) == 0 &&
        property(*family, rocksdb::DB::Properties::kNumDeletesActiveMemTable) == 0) {
      continue;
    }
    check(db_->Flush(rocksdb::FlushOptions(), family), kj::str("flushing ", family->GetName().c_str(), " of ", path_));
  }
}

uint64_t RocksStore::freeBytes() {
  uint64_t free = 0;
  auto status = db_->GetFileSystem()->GetFreeSpace(path_.cStr(), rocksdb::IOOptions(), &free, nullptr);
  return status.ok() ? free : 0;
}

uint64_t RocksStore::bytesToFlush() {
  // Of memory, whole blocks are counted, of which a dozen families have the most part empty: megabytes. Of the log,
  // also what was flushed already; small rows grow a little in files.
  auto inWal = bytesInWal();
  return kj::min(bytesInMemory(), inWal + inWal / 8);
}

uint64_t RocksStore::bytesToSettle() {
  return bytesToFlush() + kSettleMargin;
}

void RocksStore::settle() {
  if (broken_.load()) return;
  if (listener_->full.load()) {
    // Also where nobody writes.
    auto failure = kj::runCatchingExceptions([this] { leaveFullState(); });
    KJ_IF_MAYBE(exception, failure) {
      if (exception->getType() == kj::Exception::Type::OVERLOADED) return;
      kj::throwFatalException(kj::mv(*exception));
    }
  }
  // A few rows in memory keep all of the write-ahead log that came behind them.
  if (!tight_.load() && kj::max(bytesInMemory(), bytesInWal()) < kWorthSettling) return;
  if (freeBytes() < bytesToFlush() + kFlushMargin) return;
  flushAll();
  if (!tight_.exchange(false)) return;
  std::vector<Family*> families;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [name, family] : families_)
      families.push_back(family.get());
  }
  for (auto* family : families) {
    bool isBucket = parseBucketFamily(family->GetName().c_str()) != nullptr;
    auto usual = isBucket ? bucketOptions(options_) : rowOptions(options_, cache_);
    changeManifest(kj::str("configuring ", family->GetName().c_str(), " of ", path_), [&] {
      return db_->SetOptions(family, {{"write_buffer_size", std::to_string(usual.write_buffer_size)},
                                      {"disable_auto_compactions", usual.disable_auto_compactions ? "true" : "false"}});
    });
  }
}

uint64_t RocksStore::property(Family& family, const std::string& name) {
  uint64_t value = 0;
  return db_->GetIntProperty(&family, name, &value) ? value : 0;
}

uint64_t RocksStore::bytesOnDevice(Family& family) {
  return property(family, rocksdb::DB::Properties::kTotalSstFilesSize) +
         property(family, rocksdb::DB::Properties::kSizeAllMemTables);
}

bool RocksStore::hasRoomToFlush(Family& family, uint64_t more) {
  auto inMemory = property(family, rocksdb::DB::Properties::kCurSizeAllMemTables);
  return freeBytes() >= kj::min(inMemory, bytesToFlush()) + more + kFlushMargin;
}

uint64_t RocksStore::bytesInMemory() {
  uint64_t value = 0;
  return db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &value) ? value : 0;
}

uint64_t RocksStore::bytesInWal() {
  rocksdb::VectorLogPtr files;
  if (!db_->GetSortedWalFiles(files).ok()) return bytesInMemory();
  uint64_t sum = 0;
  for (auto& file : files)
    sum += file->SizeFileBytes();
  return sum;
}

uint64_t RocksStore::openFiles() {
  uint64_t tables = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto& [name, family] : families_) {
      for (int level = 0; level < db_->NumberLevels(family.get()); ++level) {
        tables += property(*family, rocksdb::DB::Properties::kNumFilesAtLevelPrefix + std::to_string(level));
      }
    }
  }
  // Beside tables: the current log file, the manifest, the lock and the information log.
  return kj::min(tables, uint64_t{options_.openFilesMax}) + 4;
}

}  // namespace cambium::rocks
