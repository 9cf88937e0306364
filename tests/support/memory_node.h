#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/byte_cursor.h"

namespace cambium {

// A file or folder of MemoryFileSystem: what the system shows, what the disk holds, and every change between the two.
// Not for more than one thread at a time.
class MemoryNode {
 public:
  using Entries = std::map<std::string, std::shared_ptr<MemoryNode>>;

  explicit MemoryNode(bool isDirectory) : isDirectory(isDirectory) {}
  KJ_DISALLOW_COPY(MemoryNode);

  const bool isDirectory;
  // As the system shows it. Changed by the methods below only.
  std::string live;
  Entries entries;

  // --- Of a file
  void write(uint64_t position, ByteView data);
  void truncate(uint64_t size);
  void syncContents();
  // Changes a bit, on the disk too where it is there.
  void flip(uint64_t bit);

  // --- Of a folder: puts a name, or takes one away (null).
  void setEntry(const std::string& name, std::shared_ptr<MemoryNode> node);
  // One change: that it takes one name away and puts another is not seen half.
  void renameEntry(const std::string& from, const std::string& to);
  void syncEntries();

  // --- What a power loss may leave. Afterwards system and disk show the same. `random` gives any number.
  using Random = std::function<uint64_t()>;
  // Nothing that was not synced.
  void loseUnsynced();
  // The first so many changes since the last sync, and of the write after them some whole sectors from its beginning.
  // Folders as with reorder().
  void tear(size_t sectorBytes, const Random& random);
  // Each sector as it was after any of the changes since the last sync, each independent of the others; the size
  // likewise. Of a folder's changes the first so many, since file systems keep them in a journal; each folder for
  // itself.
  void reorder(size_t sectorBytes, const Random& random);

 private:
  struct Change {
    bool isTruncation;
    uint64_t position;  // or the new size
    std::string bytes;
  };
  struct EntryChange {
    std::string takenAway;  // "" is none
    std::string put;        // "" is none
    std::shared_ptr<MemoryNode> node;
  };

  static void apply(const EntryChange& change, Entries& entries);
  void keepFirstNames(const Random& random);
  void settle(std::string contents);
  void settle(Entries remaining);

  std::string durable_;
  std::vector<Change> changes_;  // since the last sync
  Entries durableEntries_;
  std::vector<EntryChange> entryChanges_;
};

}  // namespace cambium
