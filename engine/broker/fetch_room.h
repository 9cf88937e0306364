#pragma once

#include <kj/async.h>

#include "engine/base/quantity.h"

namespace cambium {

// Where a fetch takes room for what it reads: before each read, and it gives it back before it waits for records.
class FetchRoom {
 public:
  virtual ~FetchRoom() noexcept(false) = default;

  // Done when there is room; how many bytes may be read: `wish`, or fewer while room is short, but not below the
  // smaller of `wish` and `least`.
  virtual kj::Promise<Bytes> take(Bytes wish, Bytes least) = 0;
  // So much was read; what was taken beyond it is given back. False: there is no room for it (a first batch may be
  // larger than what was taken), and none is held any more.
  virtual bool keep(Bytes read) = 0;
};

}  // namespace cambium
