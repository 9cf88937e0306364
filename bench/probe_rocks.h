#pragma once

#include <kj/memory.h>
#include <kj/string.h>

#include "engine/base/quantity.h"

namespace cambium::bench {

// A bare RocksDB store with the options of our engine and one bucket family: puts, and nothing else of ours. The folder
// goes with it.
class ProbeRocks {
 public:
  explicit ProbeRocks(kj::String folder);
  ~ProbeRocks() noexcept(false);
  KJ_DISALLOW_COPY(ProbeRocks);

  // One write of one value under a key like the engine's: log number (4 bytes), base offset (8).
  void put(Offset base, ByteView value);

 private:
  struct Store;
  kj::String folder_;
  kj::Own<Store> store_;
};

}  // namespace cambium::bench
