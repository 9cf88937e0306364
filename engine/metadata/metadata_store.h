#pragma once

#include <kj/async.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium {

// Counts the changes of a metadata store, from 1.
using Revision = Quantity<struct RevisionTag, int64_t>;

struct MetadataEntry {
  kj::String key;
  kj::Array<kj::byte> value;
  Revision changedAt;
};

// All of it or nothing: the writes take place when every condition holds.
struct MetadataTransaction {
  struct Condition {
    kj::String key;
    Revision changedAt;  // 0: the key must not exist
  };
  struct Write {
    kj::String key;
    kj::Maybe<kj::Array<kj::byte>> value;  // null: delete
  };
  kj::Vector<Condition> conditions;
  kj::Vector<Write> writes;
};

// One committed transaction, as a watcher sees it.
struct MetadataChange {
  Revision revision;
  kj::Vector<MetadataTransaction::Write> writes;  // only keys of the watched prefix; empty when there were none
};

// Changes in order of revision, none left out, from the moment the watch was made. Dropping it ends it.
class MetadataWatch {
 public:
  virtual ~MetadataWatch() noexcept(false) = default;
  // All that are there, at least one. One call at a time.
  virtual kj::Promise<kj::Vector<MetadataChange>> next() = 0;
};

// A small linearizable key-value store: whoever was answered is seen by every later answer. Keys are text, values up to
// 1 MiB. Used from the loop that made it. Rejects with DISCONNECTED when the store is out of reach, OVERLOADED when it
// has no room (nothing was changed), FAILED when it is damaged.
class MetadataStore {
 public:
  virtual ~MetadataStore() noexcept(false) = default;

  virtual kj::Promise<kj::Maybe<MetadataEntry>> get(kj::String key) = 0;
  // Everything that starts with a prefix, in order of keys.
  virtual kj::Promise<kj::Vector<MetadataEntry>> list(kj::String prefix) = 0;
  // The revision of the change once it is durable, or null when a condition did not hold.
  virtual kj::Promise<kj::Maybe<Revision>> commit(MetadataTransaction transaction) = 0;
  virtual kj::Own<MetadataWatch> watch(kj::String prefix) = 0;
  // Why nothing can be changed any more, and what to do; null while it can.
  virtual kj::Maybe<kj::String> whyBroken() const = 0;
};

}  // namespace cambium
