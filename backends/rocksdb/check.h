#pragma once

#include <kj/exception.h>
#include <kj/string.h>

namespace rocksdb {
class Status;
}

namespace cambium::rocks {

// Turns a status of the library into an exception; does nothing when it is OK. `context` says what was being done, to
// which family, log or file. A full device or too many open files: OVERLOADED. Everything else, damage included:
// FAILED, with the file and position that the library names.
void check(const rocksdb::Status& status, kj::StringPtr context);

// The exception that check() throws; `status` is not OK.
kj::Exception toException(const rocksdb::Status& status, kj::StringPtr context);

}  // namespace cambium::rocks
