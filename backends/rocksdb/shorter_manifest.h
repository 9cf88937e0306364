#pragma once

#include <string>

#include <kj/string.h>

namespace rocksdb {
class Env;
}

namespace cambium::rocks {

// Whether the store in `folder` loses nothing when `manifest`, the current one, holds only `contents`: everything that
// its files hold can be read all the same, from other files or from the write-ahead log. Reads the log and the files
// that would not belong to the store any more; changes nothing. Throws when it cannot tell.
bool isCompleteWithManifest(rocksdb::Env& env, kj::StringPtr folder, const std::string& manifest,
                            const std::string& contents);

}  // namespace cambium::rocks
