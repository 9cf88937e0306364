#include "backends/rocksdb/unwritten_end.h"

#include <rocksdb/env.h>
#include <vector>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/shorter_manifest.h"
#include "backends/rocksdb/store_files.h"
#include "backends/rocksdb/wal_end.h"

namespace cambium::rocks {

namespace {

// What the library writes to the current manifest before it syncs it: mostly one record, or that files were written and
// that a log file is not needed any more for it. Far less than this together.
constexpr size_t kManifestEndBytesMax = 64 << 10;
constexpr size_t kSoundRecordsMax = 1;

ByteView bytesOf(const std::string& contents) {
  return kj::arrayPtr(contents.data(), contents.size()).asBytes();
}

std::string readFile(rocksdb::Env& env, const std::string& path) {
  std::string contents;
  check(rocksdb::ReadFileToString(&env, path, &contents), path.c_str());
  return contents;
}

// Durable on return.
void replaceFile(rocksdb::Env& env, const std::string& folder, const std::string& name, const std::string& contents) {
  auto path = folder + "/" + name;
  auto beside = path + ".new";
  check(rocksdb::WriteStringToFile(&env, contents, beside, true), beside.c_str());
  check(env.RenameFile(beside, path), path.c_str());
  std::unique_ptr<rocksdb::Directory> directory;
  check(env.NewDirectory(folder, &directory), folder.c_str());
  check(directory->Fsync(), folder.c_str());
}

kj::String keepEnd(rocksdb::Env& env, const std::string& path, const std::string& contents, size_t position) {
  auto copy = path + ".cut-" + std::to_string(position);
  check(rocksdb::WriteStringToFile(&env, contents.substr(position), copy, true), copy.c_str());
  return kj::str(path.c_str(), ": cut ", contents.size() - position, " bytes from position ", position,
                 " on, of which a part was never written; set aside in ", copy.c_str());
}

}  // namespace

kj::Maybe<kj::String> copyUnwrittenWalEnd(rocksdb::Env& env, kj::StringPtr folder) {
  std::vector<std::string> names;
  check(env.GetChildren(folder.cStr(), &names), kj::str("listing ", folder));
  // Only the last file that holds anything can have unsynced data: see RocksStore::Listener.
  uint64_t lastNumber = 0;
  std::string last;
  for (auto& name : names) {
    KJ_IF_MAYBE(number, walNumber(name)) {
      uint64_t size = 0;
      auto file = kj::str(folder, "/", name.c_str());
      check(env.GetFileSize(file.cStr(), &size), file);
      if (size == 0 || *number < lastNumber) continue;
      lastNumber = *number;
      last = file.cStr();
    }
  }
  if (last.empty()) return nullptr;
  auto contents = readFile(env, last);
  return findUnwritten(bytesOf(contents)).map([&](size_t position) { return keepEnd(env, last, contents, position); });
}

kj::Maybe<ManifestCut> ManifestCut::tryCut(rocksdb::Env& env, kj::StringPtr folder) {
  auto name = currentManifest(env, folder.cStr());
  if (name.empty()) return nullptr;
  auto contents = readFile(env, std::string(folder.cStr()) + "/" + name);
  KJ_IF_MAYBE(position, findUnwritten(bytesOf(contents))) {
    bool isEnd = *position > 0 && contents.size() - *position <= kManifestEndBytesMax &&
                 countSoundRecords(bytesOf(contents), *position) <= kSoundRecordsMax;
    bool isComplete = false;
    auto unknown = kj::runCatchingExceptions(
        [&] { isComplete = isEnd && isCompleteWithManifest(env, folder, name, contents.substr(0, *position)); });
    if (unknown != nullptr || !isComplete) return nullptr;
    return ManifestCut(env, folder, kj::mv(name), kj::mv(contents), *position);
  }
  return nullptr;
}

ManifestCut::ManifestCut(rocksdb::Env& env, kj::StringPtr folder, std::string name, std::string contents,
                         size_t position)
    : env_(env),
      folder_(kj::str(folder)),
      name_(kj::mv(name)),
      contents_(kj::mv(contents)),
      report_(keepEnd(env, std::string(folder.cStr()) + "/" + name_, contents_, position)) {
  replaceFile(env_, folder_.cStr(), name_, contents_.substr(0, position));
}

void ManifestCut::undo() {
  if (currentManifest(env_, folder_.cStr()) == name_) replaceFile(env_, folder_.cStr(), name_, contents_);
}

}  // namespace cambium::rocks
