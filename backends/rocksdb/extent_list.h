#pragma once

#include <kj/vector.h>

#include "backends/rocksdb/log_rows.h"

namespace cambium::rocks {

// The extents of one log, in memory, and the block that its newest batches will become. Adds the rows that are due to
// the write that it is handed; the owner goes back to a mark when the write fails. One thread.
class ExtentList {
 public:
  ExtentList() = default;
  explicit ExtentList(kj::Vector<ExtentRow> extents);

  // The state before a write, as far as add() and checkpoint() change it.
  struct Mark {
    size_t count;
    kj::Maybe<ExtentRow> last;
    BlockRow block;
    uint32_t blockRows;
    Bytes bytes;
  };
  Mark mark() const;
  void goBack(const Mark& mark);

  // Takes note of a batch behind all others. Returns true when it begins an extent: because its bucket is another one,
  // because the last extent is as large or spans as much time as the options allow, or because that was closed.
  bool add(const IndexRow& row, const LogOptions& options, LogRowWriter& writer);
  // Takes note of a batch that is in the store but not yet in an extent's or a block's row.
  void recover(const IndexRow& row);
  // Writes the open block, when it has rows, and the last extent with it. Returns false when there was nothing to
  // write.
  bool checkpoint(LogRowWriter& writer);
  // Closes the last extent. Returns false when there was nothing to write.
  bool close(LogRowWriter& writer);
  // Puts one extent in place of those that it spans.
  void replace(const ExtentRow& rewritten);

  // Oldest first. The first one may begin below the log's start: its bytes and timestamps then still count what was
  // dropped.
  kj::ArrayPtr<const ExtentRow> all() const { return extents_.asPtr(); }
  Bytes bytes() const { return bytes_; }

 private:
  bool isFull(const ExtentRow& extent, const IndexRow& row, const LogOptions& options) const;
  void note(const IndexRow& row);

  kj::Vector<ExtentRow> extents_;
  BlockRow block_{};
  uint32_t blockRows_ = 0;
  Bytes bytes_;  // of all extents
};

}  // namespace cambium::rocks
