#pragma once

#include "engine/storage/storage_engine.h"

namespace cambium {

// What the table keeps of one log.
struct ProducerRow {
  kj::Array<kj::byte> key;
  kj::Array<kj::byte> value;
  Offset upTo;  // the end of the log that the value is of
};

// The table "producers" of the state engine: the states of a log's producers, so that opening it need not read the log.
// Key: the log's name, a zero byte, the 16 bytes of its incarnation; value: ProducerStates::encode. The log is the
// truth, a row only spares reading it: one that is missing or damaged is made again from there. Blocks; any thread;
// copies freely.
class ProducerTable {
 public:
  explicit ProducerTable(StorageEngine& engine) : engine_(&engine) {}

  static kj::Array<kj::byte> keyOf(const LogId& log);

  // Null when there is none. Throws what StorageEngine::get throws.
  kj::Maybe<kj::Array<kj::byte>> load(const LogId& log) const;
  // In one commit. Throws what StorageEngine::commit throws.
  void commit(kj::ArrayPtr<const ProducerRow> rows) const;
  // Forgets logs that were deleted.
  void forget(kj::ArrayPtr<const LogId> logs) const;

 private:
  StorageEngine* engine_;
};

}  // namespace cambium
