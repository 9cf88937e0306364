#include "tools/inspect/tables_inspector.h"

#include "backends/native/sync_mark.h"
#include "backends/native/table_journal.h"
#include "engine/base/byte_cursor.h"
#include "engine/base/crc32c.h"
#include "engine/base/text.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kSnapshotItem{"snapshot"_kj};
constexpr ItemKind kJournalItem{"journal"_kj};
constexpr ItemKind kCommitItem{"commit"_kj, "commits"_kj};
constexpr kj::StringPtr kSnapshotSuffix = ".snapshot"_kj;
constexpr kj::StringPtr kJournalSuffix = ".journal"_kj;
constexpr size_t kGenerationDigits = 16;
// The engine's own limit.
constexpr size_t kFileBytesMax = size_t{4} << 30;
constexpr size_t kSnapshotCrcFrom = 8;

kj::Maybe<uint64_t> generationOf(kj::StringPtr name, kj::StringPtr suffix) {
  if (name.size() != kGenerationDigits + suffix.size() || !name.endsWith(suffix)) return nullptr;
  for (char c : name.slice(0, kGenerationDigits)) {
    if (c < '0' || c > '9') return nullptr;
  }
  return parseInteger<uint64_t>(kj::heapString(name.slice(0, kGenerationDigits)));
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

}  // namespace

kj::Maybe<uint64_t> snapshotGeneration(kj::StringPtr name) {
  return generationOf(name, kSnapshotSuffix);
}
kj::Maybe<uint64_t> journalGeneration(kj::StringPtr name) {
  return generationOf(name, kJournalSuffix);
}

kj::String TablesInspector::path(kj::StringPtr name) const {
  return folder_.size() == 0 ? kj::str(name) : kj::str(folder_, "/", name);
}

void TablesInspector::run() {
  kj::Maybe<kj::String> snapshotName;
  uint64_t newest = 0;
  uint64_t journalBytes = 0;
  auto entries = files_.list(folder_);
  for (auto& entry : entries) {
    KJ_IF_MAYBE(generation, snapshotGeneration(entry.name)) {
      newest = *generation;  // sorted by name
      snapshotName = kj::str(entry.name);
    }
    if (journalGeneration(entry.name) != nullptr) journalBytes = kj::max(journalBytes, entry.sizeBytes);
  }
  for (auto& entry : entries) {
    auto generation = snapshotGeneration(entry.name);
    if (generation == nullptr) generation = journalGeneration(entry.name);
    KJ_IF_MAYBE(g, generation) {
      if (*g == newest) continue;
    }
    inspection_.note(files_.describe(path(entry.name)),
                     kj::str("not of the newest generation; the next start removes what is left over"));
  }
  KJ_IF_MAYBE(name, snapshotName) {
    KJ_IF_MAYBE(tables, readSnapshot(*name)) {
      if (tables->generation != newest) {
        inspection_.add({.file = files_.describe(path(*name)),
                         .position = uint64_t{12},
                         .what = kj::str("the snapshot belongs to another generation"),
                         .expected = kj::str(newest),
                         .found = kj::str(tables->generation)});
      }
      auto journal = kj::str(name->slice(0, kGenerationDigits), kJournalSuffix);
      uint64_t errors = inspection_.errors();
      applyJournal(journal, *tables);
      // What is damaged is said already.
      if (inspection_.errors() == errors) checkMark(tables->sequence);
      print(*tables, files_.describe(folder_));
    }
  } else {
    if (journalBytes > table_journal::kHeaderBytes)
      inspection_.error(files_.describe(folder_), kj::str("the tables' journal has no snapshot to begin from"));
    checkMark(0);
  }
}

// What the mark beside the folder says was committed.
void TablesInspector::checkMark(uint64_t sequence) {
  if (folder_.size() == 0 || !inspection_.options.verify) return;
  auto path = kj::str(folder_, ".", kSyncMarkName);
  auto mark = readSyncMark(files_, path, "tables",
                           [&](kj::StringPtr line) { inspection_.warning(files_.describe(path), kj::str(line)); });
  KJ_IF_MAYBE(m, mark) {
    if (sequence >= m->end) return;
    inspection_.add({.file = files_.describe(folder_),
                     .what = kj::str("commits are missing that were durable"),
                     .expected = kj::str("commits up to ", m->end),
                     .found = kj::str(sequence)});
  }
}

void TablesInspector::runSnapshot(kj::StringPtr name) {
  KJ_IF_MAYBE(tables, readSnapshot(name)) print(*tables, files_.describe(path(name)));
}

kj::Maybe<TableSnapshot> TablesInspector::readSnapshot(kj::StringPtr name) {
  auto contents = readWholeFile(files_, path(name), kFileBytesMax);
  KJ_IF_MAYBE(snapshot, decodeTableSnapshot(contents)) {
    auto& report = inspection_.report;
    report.open(kSnapshotItem);
    report.text("file", name);
    report.number("generation", static_cast<int64_t>(snapshot->generation));
    report.number("sequence", static_cast<int64_t>(snapshot->sequence));
    report.number("bytes", static_cast<int64_t>(contents.size()));
    report.close();
    return kj::mv(*snapshot);
  }
  Finding finding{.file = files_.describe(path(name)),
                  .position = uint64_t{0},
                  .what = kj::str("the snapshot of the tables is damaged")};
  if (contents.size() > kSnapshotCrcFrom) {
    uint32_t stored = loadBigEndian<uint32_t>(contents.begin() + 4);
    uint32_t computed = crc32c(contents.slice(kSnapshotCrcFrom, contents.size()));
    if (stored != computed) {
      finding.what = kj::str("the snapshot of the tables does not match its checksum");
      finding.position = uint64_t{4};
      finding.expected = showChecksum(stored);
      finding.found = showChecksum(computed);
    }
  } else {
    finding.found = kj::str(contents.size(), " bytes");
  }
  inspection_.add(kj::mv(finding));
  return nullptr;
}

void TablesInspector::applyJournal(kj::StringPtr name, TableSnapshot& tables) {
  auto where = files_.describe(path(name));
  if (!files_.exists(path(name))) {
    inspection_.error(kj::mv(where), kj::str("the journal that belongs to the newest snapshot is missing"));
    return;
  }
  auto contents = readWholeFile(files_, path(name), kFileBytesMax);
  auto& report = inspection_.report;
  report.open(kJournalItem);
  report.text("file", name);
  size_t position = 0;
  uint64_t commits = 0;
  auto failure = inspection_.attempt([&] {
    TableJournalReader reader(contents, tables.generation, where);
    position = reader.position();
    for (;;) {
      KJ_IF_MAYBE(record, reader.next()) {
        KJ_REQUIRE(record->sequence == tables.sequence + 1, "a commit is missing", record->sequence);
        tables.sequence = record->sequence;
        for (auto& change : record->changes) {
          auto& rows = tables.contents[stringOf(change.table)];
          KJ_IF_MAYBE(value, change.value) {
            rows[stringOf(change.key)] = stringOf(*value);
          } else {
            rows.erase(stringOf(change.key));
          }
        }
        ++commits;
        position = reader.position();
      } else {
        break;
      }
    }
    if (reader.tornBytes() > 0) noteTorn(name, position, reader.tornBytes());
  });
  report.number("commitCount", static_cast<int64_t>(commits));
  report.number("sequence", static_cast<int64_t>(tables.sequence));
  report.number("bytes", static_cast<int64_t>(contents.size()));
  report.close();
  KJ_IF_MAYBE(exception, failure) complainOfJournal(name, position, tables.sequence, *exception);
}

void TablesInspector::complainOfJournal(kj::StringPtr name, size_t position, uint64_t sequence,
                                        const kj::Exception& exception) {
  inspection_.add({.file = files_.describe(path(name)),
                   .position = position,
                   .what = kj::str("the tables' journal is damaged behind commit ", sequence),
                   .expected = kj::str("commit ", sequence + 1),
                   .found = kj::str(exception.getDescription())});
}

void TablesInspector::noteTorn(kj::StringPtr name, size_t position, size_t bytes) {
  inspection_.add({.severity = Severity::kNote,
                   .file = files_.describe(path(name)),
                   .position = position,
                   .what = kj::str("the last ", bytes,
                                   " bytes are a commit that was not finished; it will be cut on the next start")});
}

void TablesInspector::print(const TableSnapshot& tables, kj::StringPtr file) {
  RowPrinter printer(inspection_, kj::str(file), catalogue_);
  for (auto& [table, rows] : tables.contents) {
    printer.openTable(table.c_str());
    for (auto& [key, value] : rows)
      printer.row(bytesOf(key), bytesOf(value));
    printer.closeTable();
  }
}

void TablesInspector::runJournal(kj::StringPtr name) {
  auto where = files_.describe(path(name));
  auto contents = readWholeFile(files_, path(name), kFileBytesMax);
  auto& report = inspection_.report;
  RowPrinter printer(inspection_, kj::str(where), nullptr);
  size_t position = 0;
  uint64_t sequence = 0;
  auto failure = inspection_.attempt([&] {
    TableJournalReader reader(contents, journalGeneration(name).orDefault(0), where);
    position = reader.position();
    for (;;) {
      KJ_IF_MAYBE(record, reader.next()) {
        sequence = record->sequence;
        report.open(kCommitItem);
        report.number("sequence", static_cast<int64_t>(sequence), 8);
        report.number("position", static_cast<int64_t>(position), 10);
        report.number("bytes", static_cast<int64_t>(reader.position() - position), 6);
        report.number("changes", static_cast<int64_t>(record->changes.size()), 4);
        for (auto& change : record->changes)
          printer.change(kj::heapString(change.table), change.key, change.value);
        report.close();
        position = reader.position();
      } else {
        break;
      }
    }
    if (reader.tornBytes() > 0) noteTorn(name, position, reader.tornBytes());
  });
  KJ_IF_MAYBE(exception, failure) complainOfJournal(name, position, sequence, *exception);
}

}  // namespace cambium::tools
