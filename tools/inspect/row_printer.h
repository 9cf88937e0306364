#pragma once

#include <map>
#include <string>

#include "engine/metadata/topic.h"
#include "tools/inspect/inspection.h"

namespace cambium::tools {

// What the metadata table says about topics.
struct TopicCatalogue {
  std::map<std::string, kj::Own<const Topic>> topics;
  // By the topic's id: deleted, but perhaps not all of its logs are gone.
  std::map<Uuid, kj::Own<const Topic>> deletions;
  // The register of a native store: its logs of which batches were durable.
  std::map<std::string, Uuid> nativeLogs;
};

// Prints rows of tables, those of the broker's own tables ("metadata", "offsets", "producers", "cleaner") taken apart,
// and complains about rows that cannot be.
class RowPrinter {
 public:
  // `catalogue` may be null: not wanted.
  RowPrinter(Inspection& inspection, kj::String file, TopicCatalogue* catalogue)
      : inspection_(inspection), file_(kj::mv(file)), catalogue_(catalogue) {}

  void openTable(kj::StringPtr table);
  void closeTable();
  // Of the open table.
  void row(ByteView key, ByteView value);
  // A row of a journal: with its table; no value deletes.
  void change(kj::StringPtr table, ByteView key, kj::Maybe<ByteView> value);

 private:
  void decode(kj::StringPtr table, ByteView key, ByteView value);
  void metadataRow(ByteView key, ByteView value);
  void offsetRow(ByteView key, ByteView value);
  void producersRow(ByteView key, ByteView value);
  void cleanerRow(ByteView key, ByteView value);
  void registerRow(ByteView key, ByteView value);
  void topicRow(kj::StringPtr key, kj::Own<const Topic> topic);

  Inspection& inspection_;
  const kj::String file_;
  TopicCatalogue* const catalogue_;
  kj::String table_;
  uint64_t rows_ = 0;
};

}  // namespace cambium::tools
