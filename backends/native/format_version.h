#pragma once

#include <kj/debug.h>

namespace cambium {

// Throws when a file that is sound otherwise has another format version than this program writes. That is not damage:
// nobody may put such a file aside and go on without it.
inline void requireKnownVersion(kj::StringPtr file, int32_t found, int32_t known) {
  KJ_REQUIRE(found == known,
             "a file of the store has a format version that this program does not know; use the version that wrote it, "
             "nothing was changed",
             file, found, known);
}

}  // namespace cambium
