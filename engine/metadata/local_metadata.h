#pragma once

#include <list>
#include <map>
#include <string>

#include "engine/base/work_pool.h"
#include "engine/metadata/metadata_store.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

// The metadata store of a broker alone: a table of its own state engine ("metadata"), read into memory once. Rows are
// the key's text to eight bytes of revision (big-endian) and the value; the row with the empty key holds the last
// revision.
//
// Commits run one at a time on the pool, in the order of their arrival; a failed one breaks the store for good (the
// table's state is unknown then): every later commit is rejected, what was committed before can be read. A full device
// is no such failure: that commit is rejected (OVERLOADED), the next one may succeed.
class LocalMetadata final : public MetadataStore {
 public:
  // Reads the table; blocks.
  LocalMetadata(StorageEngine& engine, WorkPool& pool);
  ~LocalMetadata() noexcept(false) override;
  KJ_DISALLOW_COPY(LocalMetadata);

  kj::Promise<kj::Maybe<MetadataEntry>> get(kj::String key) override;
  kj::Promise<kj::Vector<MetadataEntry>> list(kj::String prefix) override;
  kj::Promise<kj::Maybe<Revision>> commit(MetadataTransaction transaction) override;
  kj::Own<MetadataWatch> watch(kj::String prefix) override;
  kj::Maybe<kj::String> whyBroken() const override;

 private:
  class Watch;
  struct Stored {
    kj::Array<kj::byte> value;
    Revision changedAt;
  };

  bool holds(const MetadataTransaction& transaction) const;
  kj::Promise<kj::Maybe<Revision>> commitAlone(MetadataTransaction transaction);
  void apply(const MetadataTransaction& transaction, Revision revision);
  // For changes; what was read into memory can be read for ever.
  void requireUsable() const;

  StorageEngine& engine_;
  WorkPool& pool_;
  std::map<std::string, Stored, std::less<>> entries_;
  Revision last_{0};
  kj::Maybe<kj::String> broken_;
  std::list<Watch*> watches_;
  // The end of the queue of commits.
  kj::ForkedPromise<void> turn_;
};

}  // namespace cambium
