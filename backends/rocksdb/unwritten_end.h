#pragma once

#include <string>

#include <kj/string.h>

namespace rocksdb {
class Env;
}

namespace cambium::rocks {

// What a power loss took of the end of a store's files, before it is opened. How that is told from damage: wal_end.h.

// Copies the end of the write-ahead log that was never written to a file beside it, and says so; null when there is no
// such end. The library gets past it with kPointInTimeRecovery.
kj::Maybe<kj::String> copyUnwrittenWalEnd(rocksdb::Env& env, kj::StringPtr folder);

// The current manifest without the end that was never written, which no reading mode of the library gets past.
//
// Only what can have been written since the last sync is taken for such an end, and only when the store is complete
// without it: else it was durable, and is damaged.
class ManifestCut {
 public:
  // Durable on return, with a copy of the end beside the manifest; null when there is no such end.
  static kj::Maybe<ManifestCut> tryCut(rocksdb::Env& env, kj::StringPtr folder);

  // What was done, for people.
  kj::StringPtr report() const { return report_; }
  // Puts the manifest back as it was, when the store could not be opened; unless the library has begun another one.
  void undo();

 private:
  ManifestCut(rocksdb::Env& env, kj::StringPtr folder, std::string name, std::string contents, size_t position);

  rocksdb::Env& env_;
  kj::String folder_;
  std::string name_;
  std::string contents_;  // before
  kj::String report_;
};

}  // namespace cambium::rocks
