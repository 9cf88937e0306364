#include "backends/native/native_engine.h"

#include <atomic>
#include <map>
#include <set>
#include <string>

#include <kj/debug.h>
#include <kj/encoding.h>

#include "backends/native/log_checkpoint.h"
#include "backends/native/log_metadata.h"
#include "backends/native/log_register.h"
#include "backends/native/native_log.h"
#include "backends/native/native_tables.h"
#include "backends/native/segment_recovery.h"
#include "backends/native/segment_swap.h"
#include "engine/base/guarded.h"

namespace cambium {

namespace {

constexpr Bytes kIndexCacheBytes = mebibytes(64);
// A recovery that had to read this much leaves a state, so that the next one has not.
constexpr uint64_t kScannedWorthAState = uint64_t{16} << 20;
// Files that a clean stop syncs one after another; beyond, one sync of the whole file system is cheaper.
constexpr size_t kSyncsOneByOneMax = 64;
constexpr size_t kNameMax = 255;
// What a device writes whole or not at all.
constexpr size_t kSectorBytes = 512;
constexpr kj::StringPtr kTablesName = "tables"_kj;
constexpr kj::StringPtr kLockName = "lock"_kj;
constexpr kj::StringPtr kDroppedSuffix = "-delete"_kj;
constexpr kj::StringPtr kUnclaimedSuffix = "-unclaimed"_kj;

void checkName(kj::StringPtr name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  bool sound = name.size() >= 1 && name.size() <= kNameMax && name != "." && name != "..";
  for (char c : name)
    sound = sound && allowed(c);
  KJ_REQUIRE(sound, "a log's name has 1 to 255 characters of [a-zA-Z0-9._-] and is not . or ..", name);
  bool taken = name == kTablesName || name == kTablesMarkName || name == kLockName ||
               name.startsWith(kCheckpointName) || name.endsWith(kDroppedSuffix) || name.endsWith(kUnclaimedSuffix);
  KJ_REQUIRE(!taken, "this name is taken by the engine itself; choose another one for the log", name);
}

// The segments up to the durable one, that as it was then.
kj::Vector<SegmentSummary> durablePart(kj::ArrayPtr<const SegmentSummary> segments, const SegmentSummary& durable) {
  kj::Vector<SegmentSummary> part;
  for (auto& segment : segments) {
    if (segment.base < durable.base) part.add(segment);
  }
  part.add(durable);
  return part;
}

std::string keyOf(kj::StringPtr name) {
  return std::string(name.begin(), name.size());
}

// Whether there was a log-state beside the mark when that was written.
bool hadState(const kj::Maybe<SyncMark>& mark) {
  KJ_IF_MAYBE(m, mark) return m->state != 0;
  return false;
}

// Null when it is damaged, or another log's.
kj::Maybe<LogState> ownState(ByteView file, const LogId& id) {
  auto state = decodeLogState(file);
  KJ_IF_MAYBE(s, state) {
    if (s->incarnation != id.incarnation) return nullptr;
  }
  return state;
}

class NativeEngine final : public StorageEngine, public LogHost {
 public:
  NativeEngine(FileSystem& fileSystem, kj::StringPtr folder, EngineOptions options);
  ~NativeEngine() noexcept(false) override;

  kj::StringPtr name() const override { return "native"; }
  kj::Own<PartitionLog> open(LogId id, LogOptions options) override;
  kj::Array<LogId> list() override;
  bool holds(const LogId& id) override;
  void drop(LogId id) override;
  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) override { return tables_->get(table, key); }
  void scan(kj::StringPtr table, ByteView prefix, kj::FunctionParam<bool(ByteView, ByteView)> visit) override {
    tables_->scan(table, prefix, kj::mv(visit));
  }
  void commit(kj::ArrayPtr<const TableChange> changes) override { tables_->commit(changes); }
  EngineUsage usage() override;
  // Index entries that wait to be saved: less than a hundredth of what is appended.
  Bytes owedBytes() override { return Bytes(0); }
  // What is deleted is gone at once.
  void reclaim() override {}
  void close() override;

 private:
  // A log of this engine, open or not.
  struct Known {
    Uuid incarnation;
    bool busy = false;      // open, or being opened or dropped
    bool hasState = false;  // `closed` holds something
    ClosedLog closed;
  };
  struct Registry {
    std::map<std::string, Known> logs;
    std::map<std::string, kj::String> unreadable;  // folders that cannot be told what they are, and why
    std::set<std::string> checkpointed;            // logs that the file recovery-checkpoint speaks of
    uint64_t session = 1;
    bool marked = false;  // the checkpoint on disk says "clean"
    bool closed = false;
  };

  void beforeChange() override;
  void released(kj::StringPtr name, ClosedLog closed) override;
  uint64_t session() override { return registry_.lock()->session; }
  kj::StringPtr path() override { return folder_; }
  bool registerLog(const LogId& id) override { return register_->add(id); }
  void addBytes(int64_t bytes) override { openBytes_.fetch_add(bytes, std::memory_order_relaxed); }

  void report(kj::StringPtr line) { report_.lock()->operator()(line); }
  kj::String below(kj::StringPtr name) const { return kj::str(folder_, "/", name); }
  void prepareFolder();
  bool loadCheckpoint(Registry& registry);
  void settleRegister(Registry& registry);
  void findLogs(Registry& registry, bool damaged);
  void findLog(Registry& registry, kj::StringPtr name);
  bool isEmptyLog(kj::StringPtr path);
  void setAside(kj::StringPtr name);

  kj::Own<LogFolder> makeFolder(kj::StringPtr name, LogOptions options);
  kj::Own<PartitionLog> create(LogId id, LogOptions options, bool stale);
  kj::Own<PartitionLog> openExisting(LogId id, LogOptions options, ClosedLog closed, bool hasState);
  static bool matches(kj::ArrayPtr<const FileSystem::Entry> entries, const LogState& state);
  kj::String setStateAside(kj::StringPtr statePath);
  void complainOfOlderState(const SegmentRecovery::Evidence& evidence, kj::StringPtr statePath);
  void saveRecovered(NativeLog& log, bool mustBeWritten, kj::StringPtr statePath, kj::StringPtr damagedAside);
  SegmentRecovery::Evidence evidenceOf(const LogId& id, const kj::Maybe<SyncMark>& mark,
                                       kj::Maybe<uint32_t> stateChecksum);
  kj::Own<PartitionLog> recover(LogId id, kj::Own<LogFolder> folder, ClosedLog closed, bool hasState);
  void claim(const LogId& id, bool& exists, bool& stale, bool& hasState, ClosedLog& closed);
  static size_t filesOf(const ClosedLog& closed);
  void syncClosed(kj::StringPtr name, const ClosedLog& closed);

  FileSystem& fileSystem_;
  const kj::String folder_;
  Guarded<kj::Function<void(kj::StringPtr)>> report_;
  kj::Own<FileSystem::Lock> lock_;
  IndexCache indexCache_{kIndexCacheBytes};
  std::atomic<bool> changed_{false};
  std::atomic<int64_t> openBytes_{0};
  bool checkpointLost_ = false;     // there is no usable one on disk
  bool checkpointWasLost_ = false;  // there was none when the engine was opened, but there were logs
  Guarded<Registry> registry_;
  kj::Own<NativeTables> tables_;
  kj::Own<LogRegister> register_;  // over the tables
};

// ---------------------------------------------------------------------------------------------------------------------
// Opening and closing the engine.

NativeEngine::NativeEngine(FileSystem& fileSystem, kj::StringPtr folder, EngineOptions options)
    : fileSystem_(fileSystem), folder_(kj::str(folder)), report_(kj::mv(options.report)) {
  prepareFolder();
  auto registry = registry_.lock();
  tables_ = kj::heap<NativeTables>(fileSystem_, below(kTablesName), [this](kj::StringPtr line) { report(line); });
  register_ = kj::heap<LogRegister>(*tables_, [this](kj::StringPtr line) { report(line); });
  bool sound = loadCheckpoint(*registry);
  findLogs(*registry, !sound);
}

NativeEngine::~NativeEngine() noexcept(false) = default;

void NativeEngine::prepareFolder() {
  fileSystem_.createDirectory(folder_);
  // The folder itself and the folders that were made for it; also when they were there, because who made them may have
  // died before this.
  for (auto part = kj::str(folder_); part.size() > 0;) {
    part = parentPath(part);
    fileSystem_.syncDirectory(part);
  }
  KJ_IF_MAYBE(lock, fileSystem_.tryLock(below(kLockName))) {
    lock_ = kj::mv(*lock);
  } else {
    KJ_FAIL_REQUIRE("another process has this store open; stop it or choose another folder",
                    fileSystem_.describe(folder_));
  }
}

// False when the checkpoint is there, but damaged.
bool NativeEngine::loadCheckpoint(Registry& registry) {
  auto path = below(kCheckpointName);
  if (!fileSystem_.exists(path)) {
    checkpointLost_ = true;
    return true;
  }
  kj::Maybe<LogCheckpoint> stored;
  // A folder in its place is damage like any other.
  kj::byte first[1];
  auto look = [&] { fileSystem_.open(path, FileSystem::Mode::kRead)->read(0, first); };
  bool isFile = kj::runCatchingExceptions(look) == nullptr;
  if (isFile) stored = decodeCheckpoint(readWholeFile(fileSystem_, path));
  KJ_IF_MAYBE(checkpoint, stored) {
    registry.session = checkpoint->session + 1;
    registry.marked = checkpoint->clean;
    for (auto& log : checkpoint->logs) {
      auto& known = registry.logs[keyOf(log.name)];
      known.incarnation = log.state.incarnation;
      known.hasState = true;
      known.closed.state = kj::mv(log.state);
      // Without the mark nothing is known of what was done since.
      if (!checkpoint->clean) known.closed.state.clean = false;
      registry.checkpointed.insert(keyOf(log.name));
    }
    return true;
  } else {
    checkpointLost_ = true;
    auto aside = kj::str(path, ".damaged");
    report(kj::str(fileSystem_.describe(path), " is damaged; kept as ", fileSystem_.describe(aside),
                   "; every log is recovered from its own state"));
    fileSystem_.rename(path, aside);
    return false;
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Which logs there are.

void NativeEngine::findLogs(Registry& registry, bool damaged) {
  auto entries = fileSystem_.list(folder_);
  std::map<std::string, bool> present;
  for (auto& entry : entries) {
    bool isOther = entry.name == kTablesName || entry.name == kTablesMarkName || entry.name == kLockName ||
                   entry.name.startsWith(kCheckpointName) || entry.name.endsWith(kUnclaimedSuffix);
    if (!entry.isDirectory || isOther) continue;
    if (entry.name.endsWith(kDroppedSuffix)) {
      // Its new name first: it must not come back under the old one with a part of its files.
      fileSystem_.syncDirectory(folder_);
      report(kj::str(fileSystem_.describe(below(entry.name)), ": finishing the removal of a dropped log"));
      fileSystem_.removeTree(below(entry.name));
      continue;
    }
    present[keyOf(entry.name)] = true;
    // Without the mark the checkpoint may speak of a predecessor, and one that the register contradicts is not ours.
    auto known = registry.logs.find(keyOf(entry.name));
    bool isKnown = known != registry.logs.end();
    bool contradicts = false;
    KJ_IF_MAYBE(incarnation, register_->find(entry.name)) {
      contradicts = isKnown && *incarnation != known->second.incarnation;
    }
    if (registry.marked && isKnown && !contradicts) continue;
    // What cannot be read of one log leaves the others alone.
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { findLog(registry, entry.name); })) {
      registry.logs.erase(keyOf(entry.name));
      registry.unreadable[keyOf(entry.name)] = kj::str(exception->getDescription());
      report(exception->getDescription());
    }
  }
  for (auto at = registry.logs.begin(); at != registry.logs.end();) {
    if (present.find(at->first) != present.end()) {
      ++at;
      continue;
    }
    // Dropped after the checkpoint was written; after a clean stop somebody else has taken it away.
    if (registry.marked)
      report(kj::str(fileSystem_.describe(below(at->first.c_str())), ": the folder of this log is gone"));
    at = registry.logs.erase(at);
  }
  checkpointWasLost_ = checkpointLost_ && !registry.logs.empty();
  if (checkpointWasLost_ && !damaged) {
    report(kj::str(fileSystem_.describe(below(kCheckpointName)),
                   " is missing; every log is recovered from its own state"));
  }
}

// A folder that no valid checkpoint vouches for.
void NativeEngine::findLog(Registry& registry, kj::StringPtr name) {
  auto key = keyOf(name);
  auto path = below(name);
  KJ_IF_MAYBE(incarnation, readLogMetadata(fileSystem_, path)) {
    auto& known = registry.logs[key];
    if (known.incarnation != *incarnation) known = Known();
    known.incarnation = *incarnation;
    return;
  }
  bool isRegistered = register_->find(name) != nullptr;
  bool wasDurable =
      registry.logs.erase(key) > 0 || isRegistered || fileSystem_.exists(kj::str(path, "/", kLogStateName));
  auto metadata = kj::str(fileSystem_.describe(path), "/", kMetadataName);
  if (isEmptyLog(path) && !isRegistered) {
    report(kj::str(fileSystem_.describe(path), ": a log whose making was interrupted; it holds nothing"));
  } else if (wasDurable || !isUnwrittenMetadata(fileSystem_, path)) {
    auto problem = kj::str(metadata, " is missing or damaged; restore it or move the folder away");
    report(problem);
    registry.unreadable[key] = kj::mv(problem);
  } else {
    setAside(name);
  }
}

// A log that was never synced: its first sync would have made the metadata durable. What reached the disk is kept
// beside it.
void NativeEngine::setAside(kj::StringPtr name) {
  for (uint32_t n = 1;; ++n) {
    auto suffix = kj::str(".", n, kUnclaimedSuffix);
    auto aside = below(kj::str(name.slice(0, kj::min(name.size(), kNameMax - suffix.size())), suffix));
    if (fileSystem_.exists(aside)) continue;
    fileSystem_.rename(below(name), aside);
    report(kj::str(fileSystem_.describe(below(name)), ": batches of a log that was never durable, kept in ",
                   fileSystem_.describe(aside)));
    return;
  }
}

bool NativeEngine::isEmptyLog(kj::StringPtr path) {
  for (auto& entry : fileSystem_.list(path)) {
    if (entry.isDirectory || (entry.sizeBytes > 0 && entry.name != kMetadataName)) return false;
  }
  return true;
}

void NativeEngine::beforeChange() {
  if (changed_.load(std::memory_order_acquire)) return;
  auto registry = registry_.lock();
  if (changed_.load(std::memory_order_relaxed)) return;
  // The same contents without the mark: what they say stays a lower bound.
  auto path = below(kCheckpointName);
  LogCheckpoint checkpoint;
  if (!checkpointLost_) {
    KJ_IF_MAYBE(stored, decodeCheckpoint(readWholeFile(fileSystem_, path))) {
      checkpoint = kj::mv(*stored);
    } else {
      KJ_FAIL_REQUIRE("the file changed while the engine had it", fileSystem_.describe(path));
    }
  } else {
    checkpoint.session = registry->session - 1;
  }
  checkpoint.clean = false;
  auto contents = encodeCheckpoint(checkpoint);
  try {
    replaceFile(fileSystem_, path, contents);
  } catch (const kj::Exception& exception) {
    // A full device. Without the mark the file is as long as with it, and differs only where its first sector is.
    if (exception.getType() != kj::Exception::Type::OVERLOADED || checkpointLost_) throw;
    auto file = fileSystem_.open(path, FileSystem::Mode::kWrite);
    file->write(0, contents.slice(0, kj::min(contents.size(), kSectorBytes)));
    file->sync();
  }
  registry->marked = false;
  checkpointLost_ = false;
  changed_.store(true, std::memory_order_release);
}

void NativeEngine::close() {
  auto registry = registry_.lock();
  for (auto& [name, known] : registry->logs) {
    KJ_REQUIRE(!known.busy, "a log is still open; destroy it before its engine is closed", name.c_str());
  }
  registry->closed = true;
  if (registry->marked && !changed_.load()) {
    register_ = nullptr;
    tables_ = nullptr;
    return;
  }
  LogCheckpoint checkpoint;
  checkpoint.session = registry->session;
  checkpoint.clean = true;
  size_t filesToSync = 0;
  for (auto& [name, known] : registry->logs)
    filesToSync += known.hasState ? filesOf(known.closed) : 0;
  if (filesToSync > kSyncsOneByOneMax) fileSystem_.syncAll();
  for (auto& [name, known] : registry->logs) {
    if (!known.hasState) continue;
    if (filesToSync <= kSyncsOneByOneMax) syncClosed(name.c_str(), known.closed);
    checkpoint.logs.add(LogCheckpoint::Log{kj::str(name.c_str()), known.closed.state.clone()});
  }
  bool newFolders = false;
  for (auto& [name, known] : registry->logs)
    newFolders = newFolders || known.closed.newFolder;
  if (newFolders) fileSystem_.syncDirectory(folder_);
  settleRegister(*registry);
  register_ = nullptr;
  tables_ = nullptr;
  replaceFile(fileSystem_, below(kCheckpointName), encodeCheckpoint(checkpoint));
}

// About how many syncs a log still needs.
size_t NativeEngine::filesOf(const ClosedLog& closed) {
  return (closed.dirtyFrom != nullptr ? 1 : 0) + closed.dirtyFiles.size() +
         (closed.newFolder || closed.dirtyFolder ? 1 : 0);
}

void NativeEngine::syncClosed(kj::StringPtr name, const ClosedLog& closed) {
  KJ_IF_MAYBE(from, closed.dirtyFrom) {
    for (auto& segment : closed.state.segments) {
      if (segment.base < *from) continue;
      syncIfThere(fileSystem_, kj::str(below(name), "/", segmentFileName(segment.base, kLogSuffix)));
    }
  }
  for (auto& path : closed.dirtyFiles)
    syncIfThere(fileSystem_, path);
  if (closed.newFolder) syncIfThere(fileSystem_, kj::str(below(name), "/", kMetadataName));
  if (closed.newFolder || closed.dirtyFolder || closed.dirtyFiles.size() > 0) fileSystem_.syncDirectory(below(name));
}

// Those that were made without being synced as well, and those of a version that kept no register.
void NativeEngine::settleRegister(Registry& registry) {
  kj::Vector<LogId> held;
  for (auto& [name, known] : registry.logs) {
    auto& segments = known.closed.state.segments;
    bool holdsAny = known.hasState && segments.size() > 0 && segments.back().end > Offset(0);
    if (holdsAny) held.add(LogId{kj::str(name.c_str()), known.incarnation});
  }
  register_->settle(held);
}

EngineUsage NativeEngine::usage() {
  auto registry = registry_.lock();
  uint64_t bytes = static_cast<uint64_t>(kj::max(int64_t{0}, openBytes_.load(std::memory_order_relaxed)));
  uint64_t open = 0;
  for (auto& [name, known] : registry->logs) {
    if (known.busy) ++open;
    for (auto& segment : known.closed.state.segments) {
      bytes += segment.bytes + segment.offsetEntries * OffsetIndex::kEntryBytes +
               segment.timeEntries * TimeIndex::kEntryBytes;
    }
  }
  return {Bytes(bytes), tables_->sizeBytes(), open};
}

// ---------------------------------------------------------------------------------------------------------------------
// Logs.

kj::Array<LogId> NativeEngine::list() {
  auto registry = registry_.lock();
  kj::Vector<LogId> ids;
  for (auto& [name, known] : registry->logs)
    ids.add(LogId{kj::str(name.c_str()), known.incarnation});
  return ids.releaseAsArray();
}

bool NativeEngine::holds(const LogId& id) {
  auto registry = registry_.lock();
  if (registry->unreadable.contains(keyOf(id.name))) return true;
  if (register_->holds(id)) return true;
  auto found = registry->logs.find(keyOf(id.name));
  return found != registry->logs.end() && found->second.incarnation == id.incarnation;
}

// Marks a log as busy and says what is known of it.
void NativeEngine::claim(const LogId& id, bool& exists, bool& stale, bool& hasState, ClosedLog& closed) {
  auto registry = registry_.lock();
  KJ_REQUIRE(!registry->closed, "the engine is closed");
  auto unreadable = registry->unreadable.find(keyOf(id.name));
  if (unreadable != registry->unreadable.end()) KJ_FAIL_REQUIRE("cannot open a log", unreadable->second);
  auto found = registry->logs.find(keyOf(id.name));
  exists = found != registry->logs.end();
  if (!exists) {
    KJ_REQUIRE(!register_->holds(id),
               "the folder of this log is gone, and it held batches that were durable; restore it, or begin anew with "
               "`cambium inspect repair` and --recreate",
               fileSystem_.describe(below(id.name)));
    stale = registry->checkpointed.count(keyOf(id.name)) > 0;
    auto& known = registry->logs[keyOf(id.name)];
    known.incarnation = id.incarnation;
    known.busy = true;
    return;
  }
  auto& known = found->second;
  bool isForeign = known.incarnation != id.incarnation && register_->holds(id);
  KJ_REQUIRE(!isForeign, "the folder of this log holds another topic's; restore it with its file partition.metadata",
             fileSystem_.describe(below(id.name)), known.incarnation, id.incarnation);
  KJ_REQUIRE(known.incarnation == id.incarnation,
             "a log of this name exists, but it is another one (its topic was made anew); drop that first", id.name,
             known.incarnation, id.incarnation);
  KJ_REQUIRE(!known.busy, "the log is open already", id.name);
  known.busy = true;
  hasState = known.hasState;
  if (hasState) closed = kj::mv(known.closed);
  known.closed = ClosedLog();
  known.hasState = false;
}

kj::Own<PartitionLog> NativeEngine::open(LogId id, LogOptions options) {
  checkName(id.name);
  bool exists = false;
  bool stale = false;
  bool hasState = false;
  ClosedLog closed;
  claim(id, exists, stale, hasState, closed);
  if (!exists) return create(kj::mv(id), options, stale);
  // Kept to be put back: a failure changes nothing.
  auto state = closed.state.clone();
  auto durable = closed.durable;
  auto dirtyFrom = closed.dirtyFrom;
  kj::Vector<kj::String> dirtyFiles;
  for (auto& path : closed.dirtyFiles)
    dirtyFiles.add(kj::str(path));
  auto name = kj::str(id.name);
  try {
    return openExisting(kj::mv(id), options, kj::mv(closed), hasState);
  } catch (...) {
    auto registry = registry_.lock();
    auto& known = registry->logs[keyOf(name)];
    known.busy = false;
    known.hasState = hasState;
    known.closed.state = kj::mv(state);
    known.closed.state.clean = false;
    known.closed.durable = durable;
    known.closed.dirtyFrom = dirtyFrom;
    known.closed.dirtyFiles = kj::mv(dirtyFiles);
    // Rather synced once too often: how far the attempt came is unknown.
    known.closed.newFolder = known.closed.dirtyFolder = true;
    throw;
  }
}

kj::Own<LogFolder> NativeEngine::makeFolder(kj::StringPtr name, LogOptions options) {
  return kj::heap<LogFolder>(fileSystem_, indexCache_, below(name), options,
                             [this](kj::StringPtr line) { report(line); });
}

kj::Own<PartitionLog> NativeEngine::create(LogId id, LogOptions options, bool stale) {
  auto path = below(id.name);
  auto name = kj::str(id.name);
  try {
    beforeChange();
    fileSystem_.createDirectory(path);
    fileSystem_.removeFile(kj::str(path, "/", kLogStateName));
    fileSystem_.removeFile(kj::str(path, "/", kSyncMarkName));
    writeLogMetadata(fileSystem_, path, id.incarnation);
    auto folder = makeFolder(id.name, options);
    kj::Vector<kj::Own<Segment>> segments;
    segments.add(Segment::create(*folder, Offset(0)));
    ClosedLog closed;
    closed.durable = segments.front()->summary();
    closed.newFolder = closed.dirtyFolder = true;
    auto log = kj::heap<NativeLog>(*this, kj::mv(folder), kj::mv(id), Offset(0), kj::mv(segments), kj::mv(closed));
    // The checkpoint speaks of a predecessor; what it says must not be taken for this log, whatever a crash leaves of
    // it.
    if (stale) log->writeState();
    return log;
  } catch (...) {
    kj::runCatchingExceptions([&] { fileSystem_.removeTree(path); });
    registry_.lock()->logs.erase(keyOf(name));
    throw;
  }
}

// True when the files are those that the state describes, to the byte.
bool NativeEngine::matches(kj::ArrayPtr<const FileSystem::Entry> entries, const LogState& state) {
  if (holdsSwap(entries)) return false;
  size_t next = 0;
  for (auto& entry : entries) {
    KJ_IF_MAYBE(base, parseSegmentFileName(entry.name, kLogSuffix)) {
      if (next >= state.segments.size()) return false;
      auto& segment = state.segments[next++];
      if (segment.base != *base || segment.bytes != entry.sizeBytes) return false;
    }
  }
  return next > 0 && next == state.segments.size();
}

kj::Own<PartitionLog> NativeEngine::openExisting(LogId id, LogOptions options, ClosedLog closed, bool hasState) {
  auto folder = makeFolder(id.name, options);
  auto entries = fileSystem_.list(folder->path);
  if (!hasState || !closed.state.clean || !matches(entries, closed.state)) {
    return recover(kj::mv(id), kj::mv(folder), kj::mv(closed), hasState);
  }
  removeCleaned(*folder, entries);
  kj::Vector<kj::Own<Segment>> segments;
  for (auto& summary : closed.state.segments)
    segments.add(kj::heap<Segment>(*folder, summary));
  if (closed.dirtyFrom == nullptr) closed.durable = closed.state.segments.back();
  Offset start = closed.state.start;
  return kj::heap<NativeLog>(*this, kj::mv(folder), kj::mv(id), start, kj::mv(segments), kj::mv(closed));
}

// Returns where the damaged state is now.
kj::String NativeEngine::setStateAside(kj::StringPtr statePath) {
  auto aside = kj::str(statePath, ".damaged");
  report(kj::str(fileSystem_.describe(statePath), " is damaged, or another log's; kept as ",
                 fileSystem_.describe(aside), "; scanning the last segment"));
  fileSystem_.rename(statePath, aside);
  return aside;
}

kj::Own<PartitionLog> NativeEngine::recover(LogId id, kj::Own<LogFolder> folder, ClosedLog closed, bool hasState) {
  beforeChange();
  using Trust = SegmentRecovery::Trust;
  LogState known = kj::mv(closed.state);
  // Recovery takes what is described for durable, and syncs only what follows.
  if (closed.dirtyFrom != nullptr) known.segments = durablePart(known.segments, closed.durable);
  Trust trust = hasState ? Trust::kKnown : Trust::kAbsent;
  auto statePath = kj::str(folder->path, "/", kLogStateName);
  auto mark = readSyncMark(fileSystem_, kj::str(folder->path, "/", kSyncMarkName), id.name,
                           [this](kj::StringPtr line) { report(line); });
  uint32_t stateChecksum = 0;
  kj::String damagedAside;
  if (fileSystem_.exists(statePath)) {
    auto contents = readWholeFile(fileSystem_, statePath);
    stateChecksum = checksumOf(contents);
    KJ_IF_MAYBE(own, ownState(contents, id)) {
      bool later = !hasState || own->session > known.session;
      if (later) {
        known = kj::mv(*own);
        trust = Trust::kKnown;
        // A process that died may have left it in the system's cache only: what it says is told to clients from now on.
        fileSystem_.syncDirectory(folder->path);
      }
    } else {
      damagedAside = setStateAside(statePath);
      trust = Trust::kDamaged;
    }
  } else if (hadState(mark)) {
    report(kj::str(fileSystem_.describe(statePath), " is missing; scanning the last segment"));
    trust = Trust::kDamaged;
  } else if (!hasState && checkpointWasLost_) {
    trust = Trust::kDamaged;
  }
  uint64_t session = 0;
  {
    auto registry = registry_.lock();
    session = registry->session = kj::max(registry->session, known.session + 1);
  }
  bool swapped = recoverSwaps(*folder, known, trust == Trust::kKnown, session);
  auto evidence = evidenceOf(id, mark, swapped ? nullptr : kj::Maybe(stateChecksum));
  bool mayMiss = trust == Trust::kKnown && !swapped && !known.resetting && !known.lost;
  if (mayMiss) complainOfOlderState(evidence, statePath);
  SegmentRecovery recovery(*folder, known, trust, evidence);
  auto segments = recovery.run();
  ClosedLog reopened;
  reopened.durable = segments.back()->summary();
  // Recovery leaves index entries that are not synced; a state counts only those that are.
  reopened.durable.offsetEntries = recovery.syncedOffsetEntries();
  reopened.durable.timeEntries = recovery.syncedTimeEntries();
  reopened.dirtyFiles.add(segments.back()->path(kIndexSuffix));
  reopened.dirtyFiles.add(segments.back()->path(kTimeIndexSuffix));
  for (auto& path : closed.dirtyFiles)
    reopened.dirtyFiles.add(kj::mv(path));
  // A state that says what was lost is written without them.
  bool namesAreDurable = trust == Trust::kKnown && !known.lost;
  reopened.newFolder = !namesAreDurable || closed.newFolder;
  reopened.dirtyFolder = closed.dirtyFolder;
  bool holdsData = reopened.durable.end > segments.front()->base();
  bool listedAreGone =
      trust == Trust::kKnown && known.segments.size() > 0 && segments.front()->base() != known.segments[0].base;
  // Otherwise the next recovery would do again what must not be done to what is appended from now on, or go by a
  // checkpoint that is older than the state that was damaged.
  bool mustBeWritten = known.lost || known.resetting || listedAreGone || trust == Trust::kDamaged;
  bool worthAState = mustBeWritten || swapped || recovery.changed() || recovery.scannedBytes() > kScannedWorthAState ||
                     (reopened.newFolder && holdsData);
  auto log =
      kj::heap<NativeLog>(*this, kj::mv(folder), kj::mv(id), recovery.start(), kj::mv(segments), kj::mv(reopened));
  if (worthAState) saveRecovered(*log, mustBeWritten, statePath, damagedAside);
  return log;
}

// A state that was put back from a copy, in whose place there was a later one when the mark was written.
void NativeEngine::complainOfOlderState(const SegmentRecovery::Evidence& evidence, kj::StringPtr statePath) {
  if (!evidence.sameBoot || evidence.mark != nullptr) return;
  report(kj::str(fileSystem_.describe(statePath),
                 " is not the one that was written last, by the account of the sync mark; records that were deleted "
                 "may show again"));
}

void NativeEngine::saveRecovered(NativeLog& log, bool mustBeWritten, kj::StringPtr statePath,
                                 kj::StringPtr damagedAside) {
  try {
    log.writeState();
  } catch (const kj::Exception& exception) {
    // A full device: the next recovery reads and repairs the same again.
    if (exception.getType() != kj::Exception::Type::OVERLOADED) throw;
    if (mustBeWritten) {
      if (damagedAside.size() > 0) fileSystem_.rename(damagedAside, statePath);
      throw;
    }
    report(kj::str(fileSystem_.describe(statePath), " could not be written: ", exception.getDescription()));
  }
}

// With the checksum of the log-state file that the mark must go with, null when no mark can.
SegmentRecovery::Evidence NativeEngine::evidenceOf(const LogId& id, const kj::Maybe<SyncMark>& mark,
                                                   kj::Maybe<uint32_t> stateChecksum) {
  SegmentRecovery::Evidence evidence;
  KJ_IF_MAYBE(m, mark) {
    evidence.sameBoot = isOfThisBoot(*m, fileSystem_);
    KJ_IF_MAYBE(checksum, stateChecksum) {
      if (m->state == *checksum) evidence.mark = *m;
    }
  }
  evidence.registered = register_->holds(id);
  return evidence;
}

void NativeEngine::released(kj::StringPtr name, ClosedLog closed) {
  auto registry = registry_.lock();
  auto found = registry->logs.find(keyOf(name));
  if (found == registry->logs.end()) return;
  found->second.busy = false;
  found->second.hasState = true;
  found->second.closed = kj::mv(closed);
}

void NativeEngine::drop(LogId id) {
  checkName(id.name);
  bool isThere = false;
  {
    auto registry = registry_.lock();
    auto found = registry->logs.find(keyOf(id.name));
    isThere = found != registry->logs.end() && found->second.incarnation == id.incarnation;
    if (isThere) {
      KJ_REQUIRE(!found->second.busy, "a log must be closed before it is dropped", id.name);
      found->second.busy = true;
    }
  }
  if (!isThere) {
    // Its folder is gone already, by whose doing ever.
    register_->remove(id);
    return;
  }
  // Kafka's way: <name>.<id>-delete, the name shortened where a file name could not be that long.
  auto unique = kj::str(".", kj::encodeHex(id.incarnation.bytes()), kDroppedSuffix);
  auto shortened = id.name.slice(0, kj::min(id.name.size(), kNameMax - unique.size()));
  auto doomed = below(kj::str(shortened, unique));
  try {
    beforeChange();
    fileSystem_.removeTree(doomed);
    register_->remove(id);
    fileSystem_.rename(below(id.name), doomed);
    fileSystem_.syncDirectory(folder_);
  } catch (...) {
    auto registry = registry_.lock();
    registry->logs[keyOf(id.name)].busy = false;
    throw;
  }
  registry_.lock()->logs.erase(keyOf(id.name));
  fileSystem_.removeTree(doomed);
}

}  // namespace

kj::Own<StorageEngine> openNativeEngine(FileSystem& fileSystem, kj::StringPtr folder, EngineOptions options) {
  return kj::heap<NativeEngine>(fileSystem, folder, kj::mv(options));
}

}  // namespace cambium
