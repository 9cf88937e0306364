#pragma once

#include <string>

#include <kj/common.h>

namespace rocksdb {
class Env;
}

namespace cambium::rocks {

// The library's names of files.

// The number in the name of a file of the write-ahead log, "000123.log"; null for any other name.
kj::Maybe<uint64_t> walNumber(const std::string& name);
std::string walName(uint64_t number);
// The number in the name of a manifest, "MANIFEST-000123"; null for any other name.
kj::Maybe<uint64_t> manifestNumber(const std::string& name);
std::string manifestName(uint64_t number);
// The part of a path behind its last slash.
std::string fileName(const std::string& path);

// The name in CURRENT; "" when there is none.
std::string currentManifest(rocksdb::Env& env, const std::string& folder);

}  // namespace cambium::rocks
