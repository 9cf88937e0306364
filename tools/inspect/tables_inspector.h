#pragma once

#include "backends/native/table_snapshot.h"
#include "tools/inspect/row_printer.h"

namespace cambium::tools {

// The tables of a native engine: a folder of snapshots and journals, or one such file.
class TablesInspector {
 public:
  // `folder` lies below the root of `files`; `catalogue` may be null.
  TablesInspector(Inspection& inspection, FileSystem& files, kj::StringPtr folder, TopicCatalogue* catalogue)
      : inspection_(inspection), files_(files), folder_(folder), catalogue_(catalogue) {}

  // The newest generation, as the engine would see it.
  void run();
  void runSnapshot(kj::StringPtr name);
  // Lists the commits.
  void runJournal(kj::StringPtr name);

 private:
  kj::String path(kj::StringPtr name) const;
  kj::Maybe<TableSnapshot> readSnapshot(kj::StringPtr name);
  void applyJournal(kj::StringPtr name, TableSnapshot& tables);
  void complainOfJournal(kj::StringPtr name, size_t position, uint64_t sequence, const kj::Exception& exception);
  void checkMark(uint64_t sequence);
  void noteTorn(kj::StringPtr name, size_t position, size_t bytes);
  void print(const TableSnapshot& tables, kj::StringPtr file);

  Inspection& inspection_;
  FileSystem& files_;
  const kj::StringPtr folder_;
  TopicCatalogue* const catalogue_;
};

// The generation in a file's name; null when it is no file of the tables.
kj::Maybe<uint64_t> snapshotGeneration(kj::StringPtr name);
kj::Maybe<uint64_t> journalGeneration(kj::StringPtr name);

}  // namespace cambium::tools
