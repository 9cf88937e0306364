#pragma once

#include <kj/string.h>

#include "engine/base/quantity.h"
#include "tools/output.h"

namespace cambium::tools {

// What to look at, and how closely.
struct InspectOptions {
  kj::String path = nullptr;
  bool verify = false;   // check everything; text output then is findings and a total, unless details are asked for
  bool json = false;     // one document, described in README.md
  bool batches = false;  // list batches also of folders and stores; a single .log file lists them anyway
  bool records = false;  // list records, decompressed; implies batches
  bool deep = false;     // read records, and check them against their batch, without listing them; as verify does
  bool entries = false;  // list index entries also of folders and stores; a single index file lists them anyway
  Offset from{0};        // batches that end beyond …
  kj::Maybe<Offset> to = nullptr;                 // … and begin below
  kj::Maybe<kj::String> topic = nullptr;          // of a store: only this topic's logs, offsets and row
  kj::Maybe<PartitionIndex> partition = nullptr;  // … and only this partition
  kj::Maybe<uint64_t> batchesMax = nullptr;       // list at most so many batches of each log

  // Whether a part of the batches is asked for; then that part is listed.
  bool narrowed() const { return from > Offset(0) || to != nullptr || batchesMax != nullptr; }
  bool listsBatches() const { return batches || records || narrowed(); }
};

// Looks at what lies at a path and prints it; changes nothing, takes no lock, works beside a running broker. Returns 0
// when all is well, 1 when something is wrong, 2 when there is nothing at the path that it knows.
int inspect(const InspectOptions& options, Output& out);

}  // namespace cambium::tools
