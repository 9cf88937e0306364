#include "backends/native/native_tables.h"

#include <kj/debug.h>

#include "backends/native/table_journal.h"

namespace cambium {

namespace {

constexpr uint64_t kCompactFromBytes = uint64_t{1} << 20;
constexpr kj::StringPtr kJournalSuffix = ".journal"_kj;
constexpr kj::StringPtr kSnapshotSuffix = ".snapshot"_kj;
constexpr size_t kGenerationDigits = 16;
constexpr size_t kTableNameMax = 64;
constexpr kj::StringPtr kMarkOwner = "tables"_kj;
// More than the tables of any deployment, less than what would hurt to read at once.
constexpr size_t kFileBytesMax = size_t{4} << 30;

void checkTable(kj::StringPtr table) {
  bool sound = table.size() >= 1 && table.size() <= kTableNameMax;
  for (char c : table)
    sound = sound && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  KJ_REQUIRE(sound, "a table's name has 1 to 64 characters of [a-z0-9_]", table);
}

kj::Maybe<uint64_t> generationOf(kj::StringPtr name, kj::StringPtr suffix) {
  if (name.size() != kGenerationDigits + suffix.size() || !name.endsWith(suffix)) return nullptr;
  uint64_t generation = 0;
  for (char c : name.slice(0, kGenerationDigits)) {
    if (c < '0' || c > '9') return nullptr;
    generation = generation * 10 + static_cast<uint64_t>(c - '0');
  }
  return generation;
}

std::string stringOf(ByteView bytes) {
  return std::string(bytes.asChars().begin(), bytes.size());
}
std::string stringOf(kj::ArrayPtr<const char> text) {
  return std::string(text.begin(), text.size());
}
ByteView bytesOf(const std::string& text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

void applyChange(TableContents& contents, uint64_t& liveBytes, std::string table, std::string key,
                 const kj::Maybe<ByteView>& value) {
  auto& rows = contents[kj::mv(table)];
  auto found = rows.find(key);
  if (found != rows.end()) {
    liveBytes -= found->first.size() + found->second.size();
    if (value == nullptr) rows.erase(found);
  }
  KJ_IF_MAYBE(v, value) {
    liveBytes += key.size() + v->size();
    rows[kj::mv(key)] = stringOf(*v);
  }
}

}  // namespace

NativeTables::NativeTables(FileSystem& fileSystem, kj::String folder, kj::Function<void(kj::StringPtr)> report)
    : fileSystem_(fileSystem),
      folder_(kj::mv(folder)),
      markPath_(kj::str(folder_, ".", kSyncMarkName)),
      report_(kj::mv(report)),
      compactAt_(kCompactFromBytes),
      mark_(fileSystem, kj::str(markPath_), kMarkOwner) {
  load(*state_.lock());
}

kj::String NativeTables::path(uint64_t generation, kj::StringPtr suffix) const {
  auto digits = kj::str(generation);
  return kj::str(folder_, "/", kj::repeat('0', kGenerationDigits - digits.size()), digits, suffix);
}

// ---------------------------------------------------------------------------------------------------------------------
// Opening.

void NativeTables::load(State& state) {
  found_ = readSyncMark(fileSystem_, markPath_, kMarkOwner, [this](kj::StringPtr line) { report_(line); });
  bool hasContents = false;
  for (auto& entry : fileSystem_.list(folder_)) {
    KJ_IF_MAYBE(generation, generationOf(entry.name, kSnapshotSuffix)) {
      generation_ = kj::max(generation_, *generation);
    }
    if (generationOf(entry.name, kJournalSuffix) != nullptr) {
      hasContents = hasContents || entry.sizeBytes > table_journal::kHeaderBytes;
    }
  }
  KJ_REQUIRE(generation_ > 0 || !hasContents,
             "the tables' journal has no snapshot to begin from; restore it, nothing was changed",
             fileSystem_.describe(folder_));
  if (generation_ > 0) {
    auto snapshotPath = path(generation_, kSnapshotSuffix);
    auto file = readWholeFile(fileSystem_, snapshotPath, kFileBytesMax);
    KJ_IF_MAYBE(snapshot, decodeTableSnapshot(file)) {
      KJ_REQUIRE(snapshot->generation == generation_, "this snapshot belongs elsewhere; restore the right one",
                 fileSystem_.describe(snapshotPath), snapshot->generation);
      state.contents = kj::mv(snapshot->contents);
      state.sequence = snapshot->sequence;
    } else {
      KJ_FAIL_REQUIRE("a snapshot of the tables is damaged; restore the file, nothing was changed",
                      fileSystem_.describe(snapshotPath));
    }
    state.snapshotBytes = file.size();
    for (auto& [table, rows] : state.contents) {
      for (auto& [key, value] : rows)
        state.liveBytes += key.size() + value.size();
    }
    readJournal(state, path(generation_, kJournalSuffix));
    // An empty journal does not repeat the last commit.
    KJ_IF_MAYBE(mark, found_) {
      if (state.journalBytes == table_journal::kHeaderBytes && mark->end == state.sequence)
        state.checksum = mark->state;
    }
    // What was accepted here counts from now on, also after a power loss that brings the older marks back.
    renewMark(state, true);
    // An engine that died before its snapshot's name was durable leaves that in the system's cache: later commits would
    // go with it.
    fileSystem_.syncDirectory(folder_);
  } else {
    checkMark(state.sequence);
  }
  removeOlder();
}

// Throws when commits that were acknowledged are missing: of a folder that is gone, or in which an older one was put.
void NativeTables::checkMark(uint64_t sequence) {
  KJ_IF_MAYBE(mark, found_) {
    KJ_REQUIRE(sequence >= mark->end,
               "the tables lack commits that were durable; restore the newest files of the folder, nothing was changed",
               fileSystem_.describe(folder_), generation_, sequence, mark->file, mark->end);
  }
}

// On return the mark says what is durable now.
void NativeTables::renewMark(const State& state, bool durably) {
  SyncMark mark;
  mark.file = generation_;
  mark.bytes = state.journalBytes;
  mark.state = state.checksum;
  mark.end = state.sequence;
  mark_.write(mark);
  if (durably) mark_.sync();
}

void NativeTables::readJournal(State& state, kj::StringPtr journalPath) {
  auto where = fileSystem_.describe(journalPath);
  KJ_REQUIRE(fileSystem_.exists(journalPath), "a journal of the tables is missing; restore it, nothing was changed",
             where);
  auto contents = readWholeFile(fileSystem_, journalPath, kFileBytesMax);
  TableJournalReader reader(contents, generation_, where);
  for (;;) {
    KJ_IF_MAYBE(record, reader.next()) {
      KJ_REQUIRE(record->sequence == state.sequence + 1,
                 "a commit is missing from the tables' journal; restore the file", where, reader.position(),
                 record->sequence, state.sequence);
      state.sequence = record->sequence;
      state.checksum = record->checksum;
      KJ_IF_MAYBE(mark, found_) {
        bool isOther = mark->end == record->sequence && mark->state != record->checksum;
        KJ_REQUIRE(!isOther,
                   "this is not the journal that was written here; restore the right one, nothing was changed", where,
                   record->sequence);
      }
      for (auto& change : record->changes) {
        applyChange(state.contents, state.liveBytes, stringOf(change.table), stringOf(change.key), change.value);
      }
    } else {
      break;
    }
  }
  state.journalBytes = reader.position();
  checkMark(state.sequence);
  auto file = fileSystem_.open(journalPath, FileSystem::Mode::kWrite);
  if (reader.tornBytes() > 0) {
    auto copy = kj::str(journalPath, ".cut-", reader.position());
    report_(kj::str(where, ": cut ", reader.tornBytes(), " bytes of a torn commit from position ", reader.position(),
                    " on", reader.endsUnwritten() ? kj::str("; set aside in ", fileSystem_.describe(copy)) : nullptr));
    if (reader.endsUnwritten()) {
      replaceFile(fileSystem_, copy, contents.slice(reader.position(), contents.size()));
    }
    file->truncate(reader.position());
  }
  // What a killed process left in the system's cache counts from now on.
  file->sync();
  journal_ = kj::mv(file);
}

// Files of other generations are left over from a compaction that was interrupted.
void NativeTables::removeOlder() {
  for (auto& entry : fileSystem_.list(folder_)) {
    auto generation = generationOf(entry.name, kSnapshotSuffix);
    if (generation == nullptr) generation = generationOf(entry.name, kJournalSuffix);
    KJ_IF_MAYBE(g, generation) {
      bool leftOver = *g < generation_ || (*g > generation_ && entry.sizeBytes <= table_journal::kHeaderBytes);
      if (leftOver) fileSystem_.removeFile(kj::str(folder_, "/", entry.name));
    }
    if (entry.name.endsWith(".tmp")) fileSystem_.removeFile(kj::str(folder_, "/", entry.name));
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading.

kj::Maybe<kj::Array<kj::byte>> NativeTables::get(kj::StringPtr table, ByteView key) const {
  checkTable(table);
  auto state = state_.lock();
  auto rows = state->contents.find(table.cStr());
  if (rows == state->contents.end()) return nullptr;
  auto row = rows->second.find(stringOf(key));
  if (row == rows->second.end()) return nullptr;
  return kj::heapArray<kj::byte>(bytesOf(row->second));
}

void NativeTables::scan(kj::StringPtr table, ByteView prefix, kj::FunctionParam<bool(ByteView, ByteView)> visit) const {
  checkTable(table);
  auto state = state_.lock();
  auto rows = state->contents.find(table.cStr());
  if (rows == state->contents.end()) return;
  std::string begin = stringOf(prefix);
  for (auto row = rows->second.lower_bound(begin); row != rows->second.end(); ++row) {
    if (row->first.compare(0, begin.size(), begin) != 0) return;
    if (!visit(bytesOf(row->first), bytesOf(row->second))) return;
  }
}

Bytes NativeTables::sizeBytes() const {
  auto state = state_.lock();
  return Bytes(state->journalBytes + state->snapshotBytes);
}

// ---------------------------------------------------------------------------------------------------------------------
// Committing.

void NativeTables::commit(kj::ArrayPtr<const TableChange> changes) {
  for (auto& change : changes)
    checkTable(change.table);
  if (changes.size() == 0) return;
  Waiting mine{changes, false, nullptr};
  kj::Vector<Waiting*> group;
  {
    auto state = state_.lock();
    KJ_IF_MAYBE(reason, state->broken) {
      KJ_FAIL_REQUIRE("the tables are broken until they are opened again", folder_, *reason);
    }
    state->waiting.add(&mine);
    state.wait([&mine](const State& s) { return mine.done || !s.leading; });
    if (!mine.done) {
      state->leading = true;
      group = kj::mv(state->waiting);
      state->waiting = kj::Vector<Waiting*>();
    }
  }
  if (!mine.done) lead(group);
  KJ_IF_MAYBE(failure, mine.failure) {
    kj::throwFatalException(kj::mv(*failure));
  }
}

// Writes and syncs the commits of `group`, applies them and lets their callers go on.
void NativeTables::lead(kj::ArrayPtr<Waiting* const> group) {
  uint64_t sequence;
  uint64_t position;
  bool broken;
  {
    auto state = state_.lock();
    sequence = state->sequence;
    position = state->journalBytes;
    broken = state->broken != nullptr;
  }
  size_t written = 0;
  uint32_t checksum = 0;
  bool isFirst = generation_ == 0;
  auto failure = kj::runCatchingExceptions([&] {
    KJ_REQUIRE(!broken, "the tables are broken until they are opened again", folder_);
    if (generation_ == 0) {
      begin();
      position = table_journal::kHeaderBytes;
    }
    // One record, so that nothing sound ever follows a torn one.
    kj::Vector<TableChange> changes;
    for (auto* waiting : group)
      changes.addAll(waiting->changes);
    auto record = table_journal::encodeRecord(++sequence, changes);
    write(record, position);
    written = record.size();
    checksum = table_journal::checksumOf(record);
  });
  {
    auto state = state_.lock();
    KJ_IF_MAYBE(exception, failure) {
      bool passes = exception->getType() == kj::Exception::Type::OVERLOADED;
      if (!passes && state->broken == nullptr) state->broken = kj::str(exception->getDescription());
    } else {
      state->sequence = sequence;
      state->checksum = checksum;
      state->journalBytes = position + written;
      for (auto* waiting : group) {
        for (auto& change : waiting->changes) {
          applyChange(state->contents, state->liveBytes, change.table.cStr(), stringOf(change.key), change.value);
        }
      }
    }
  }
  // Before anybody hears that it is durable.
  if (failure == nullptr) renewMark(state_.getWithoutLock(), isFirst);
  if (failure == nullptr) compactIfLarge();
  auto state = state_.lock();
  for (auto* waiting : group) {
    KJ_IF_MAYBE(exception, failure) {
      waiting->failure = kj::cp(*exception);
    }
    waiting->done = true;
  }
  state->leading = false;
}

// The first commit ever: makes the folder and generation 1, which is empty.
void NativeTables::begin() {
  fileSystem_.createDirectory(folder_);
  mark_.write({});
  fileSystem_.syncDirectory(parentPath(folder_));
  compact(0);
}

// Puts a record at the end of the journal, durably. On a full device the journal is as before.
void NativeTables::write(kj::ArrayPtr<const kj::byte> record, uint64_t position) {
  auto& journal = *KJ_ASSERT_NONNULL(journal_);
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { journal.write(position, record); })) {
    journal.truncate(position);
    kj::throwFatalException(kj::mv(*exception));
  }
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { journal.sync(); })) {
    // Also a device that is full now has lost what was written: nobody knows what is in the journal.
    kj::throwFatalException(
        kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::str(exception->getDescription())));
  }
}

void NativeTables::compactIfLarge() {
  uint64_t sequence;
  {
    auto state = state_.lock();
    if (state->journalBytes <= kj::max(compactAt_, 2 * state->liveBytes)) return;
    sequence = state->sequence;
  }
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { compact(sequence); })) {
    if (fileSystem_.exists(path(generation_ + 1, kSnapshotSuffix))) {
      // A next opening would begin from the new generation: nothing more may go into the old one.
      state_.lock()->broken = kj::str(exception->getDescription());
    }
    // The old generation goes on; the next attempt comes when the journal has grown as much again.
    compactAt_ *= 2;
    report_(kj::str("could not write a snapshot of the tables, they go on with their journal: ",
                    exception->getDescription()));
    return;
  }
  compactAt_ = kCompactFromBytes;
}

// Starts the next generation. Only the leader changes the contents, so it may read them without the lock.
void NativeTables::compact(uint64_t sequence) {
  uint64_t next = generation_ + 1;
  auto journalPath = path(next, kJournalSuffix);
  auto journal = fileSystem_.open(journalPath, FileSystem::Mode::kCreate);
  journal->truncate(0);
  journal->write(0, table_journal::encodeHeader(next));
  journal->sync();
  auto snapshot = encodeTableSnapshot(next, sequence, state_.getWithoutLock().contents);
  // Syncs the folder, and the journal's entry with it, twice: the snapshot must not appear without its journal.
  fileSystem_.syncDirectory(folder_);
  replaceFile(fileSystem_, path(next, kSnapshotSuffix), snapshot);
  uint64_t previous = generation_;
  generation_ = next;
  journal_ = kj::mv(journal);
  {
    auto state = state_.lock();
    state->journalBytes = table_journal::kHeaderBytes;
    state->snapshotBytes = snapshot.size();
  }
  if (previous > 0) {
    fileSystem_.removeFile(path(previous, kJournalSuffix));
    fileSystem_.removeFile(path(previous, kSnapshotSuffix));
  }
}

}  // namespace cambium
