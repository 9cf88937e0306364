#pragma once

#include <kj/async.h>

#include "engine/base/error.h"
#include "engine/metadata/metadata_store.h"

namespace cambium {

// Hands out ids for idempotent producers, each once and for ever: takes blocks of them from the metadata store (key
// "producer-ids/next", schema/metadata.capnp's ProducerIdsRecord) by compare-and-set, so that several brokers may share
// one. What is left of a block at a stop is lost, as with Kafka's blocks (KIP-730, from where the block's size is).
// Lives on the loop of the store.
class ProducerIds {
 public:
  static constexpr int64_t kBlockSize = 1000;

  explicit ProducerIds(MetadataStore& store) : store_(store) {}
  KJ_DISALLOW_COPY(ProducerIds);

  // The next id, from 0 up; at once while the block lasts. kStorageError when the store has no room,
  // kCoordinatorNotAvailable when it is out of reach or damaged: worth another try.
  kj::Promise<Result<int64_t>> next();

 private:
  // Takes a block; whoever needs one meanwhile waits for the same.
  kj::Promise<void> takeBlock();

  MetadataStore& store_;
  int64_t next_ = 0;
  int64_t end_ = 0;        // of the block
  bool underWay_ = false;  // a block is being taken
  kj::ForkedPromise<void> taking_ = nullptr;
};

}  // namespace cambium
