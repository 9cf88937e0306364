#pragma once

#include "engine/record/batch_view.h"
#include "tools/inspect/inspection.h"

namespace cambium::tools {

// Where a batch lies.
struct BatchLocation {
  kj::StringPtr file;                         // or the store and the log in it
  kj::Maybe<uint64_t> position = nullptr;     // in the file
  kj::Maybe<kj::StringPtr> family = nullptr;  // of a RocksDB store
};

// Lists the batches of one log that were asked for, with their records where those were asked for, and checks records.
class BatchLister {
 public:
  // `lists` is whether to print anything.
  BatchLister(Inspection& inspection, bool lists) : inspection_(inspection), lists_(lists) {}

  // A batch whose checksum is right, or one that has it `damaged`, which is listed only.
  void see(const BatchView& batch, const BatchLocation& location, bool damaged = false);
  // Nothing further would be listed; a caller that does not verify may stop.
  bool done() const { return done_; }

 private:
  bool wants(const BatchView& batch);
  void list(const BatchView& batch, const BatchLocation& location, bool damaged);
  void readRecords(const BatchView& batch, const BatchLocation& location, bool print);

  Inspection& inspection_;
  const bool lists_;
  uint64_t listed_ = 0;
  bool done_ = false;
};

}  // namespace cambium::tools
