#pragma once

#include "engine/base/quantity.h"

namespace cambium::tools {

// Milliseconds since 1970-01-01 UTC ("1795608000000"), or a time as ISO 8601 and RFC 3339 write it: a date, optionally
// a time of day to the minute, second or millisecond (further digits are dropped), optionally a zone ("Z", "+02:00",
// "-0530"; none means UTC):
//
//     2026-11-20  2026-11-20T12:00  2026-11-20 12:00:00.250+01:00  2026-11-20T12:00:00Z
//
// Null for anything else, dates that do not exist among it.
kj::Maybe<TimestampMs> parseTimestamp(kj::StringPtr text);

// "2026-11-20T12:00:00.000Z"; "-" for kNoTimestamp.
kj::String formatTimestamp(TimestampMs timestamp);

}  // namespace cambium::tools
