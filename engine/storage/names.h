#pragma once

#include <kj/string.h>

namespace cambium {

// What every engine accepts as a name; each checks it at its door. Both throw, naming the name and the rule.

// 1 to 255 characters of [a-zA-Z0-9._-], not "." or "..".
void requireLogName(kj::StringPtr name);
// 1 to 64 characters of [a-z0-9_].
void requireTableName(kj::StringPtr name);

}  // namespace cambium
