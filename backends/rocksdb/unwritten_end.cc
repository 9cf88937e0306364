#include "backends/rocksdb/unwritten_end.h"

#include <algorithm>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>
#include <vector>

#include "backends/rocksdb/check.h"
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

// The name in CURRENT; "" when there is none.
std::string currentManifest(rocksdb::Env& env, const std::string& folder) {
  std::string name;
  if (!rocksdb::ReadFileToString(&env, folder + "/CURRENT", &name).ok() || name.empty()) return "";
  if (name.back() == '\n') name.pop_back();
  return name;
}

class LargestFamily final : public rocksdb::WriteBatch::Handler {
 public:
  using Status = rocksdb::Status;
  using Slice = rocksdb::Slice;

  Status PutCF(uint32_t family, const Slice&, const Slice&) override { return seen(family); }
  Status DeleteCF(uint32_t family, const Slice&) override { return seen(family); }
  Status DeleteRangeCF(uint32_t family, const Slice&, const Slice&) override { return seen(family); }

  uint32_t number = 0;

 private:
  Status seen(uint32_t family) {
    number = std::max(number, family);
    return Status::OK();
  }
};

uint32_t largestFamilyInWal(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> names;
  check(env.GetChildren(folder, &names), kj::str("listing ", folder.c_str()));
  LargestFamily largest;
  for (auto& name : names) {
    if (walNumber(name) == nullptr) continue;
    auto contents = readFile(env, kj::str(folder.c_str(), "/", name.c_str()).cStr());
    forEachRecord(bytesOf(contents), [&](ByteView payload) {
      auto chars = payload.asChars();
      rocksdb::WriteBatch batch(std::string(chars.begin(), chars.size()));
      check(batch.Iterate(&largest), name.c_str());
    });
  }
  return largest.number;
}

}  // namespace

kj::Maybe<kj::String> cutUnwrittenWalEnd(rocksdb::Env& env, kj::StringPtr folder) {
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
  return findUnwritten(bytesOf(contents)).map([&](size_t position) {
    auto report = keepEnd(env, last, contents, position);
    std::unique_ptr<rocksdb::WritableFile> file;
    check(env.ReopenWritableFile(last, &file, rocksdb::EnvOptions()), last.c_str());
    check(file->Truncate(position), last.c_str());
    check(file->Fsync(), last.c_str());
    check(file->Close(), last.c_str());
    return report;
  });
}

kj::Maybe<ManifestCut> ManifestCut::tryCut(rocksdb::Env& env, kj::StringPtr folder) {
  auto name = currentManifest(env, folder.cStr());
  if (name.empty()) return nullptr;
  auto contents = readFile(env, std::string(folder.cStr()) + "/" + name);
  KJ_IF_MAYBE(position, findUnwritten(bytesOf(contents))) {
    bool isEnd = *position > 0 && contents.size() - *position <= kManifestEndBytesMax &&
                 countSoundRecords(bytesOf(contents), *position) <= kSoundRecordsMax;
    if (!isEnd) return nullptr;
    ManifestCut cut(env, folder, kj::mv(name), kj::mv(contents), *position);
    if (cut.knowsAllFamilies()) return kj::mv(cut);
    cut.undo();
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

bool ManifestCut::knowsAllFamilies() {
  rocksdb::DBOptions options;
  options.env = &env_;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(options, folder_.cStr(), &names).ok()) return false;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(names.size());
  for (auto& name : names)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (!rocksdb::DB::OpenForReadOnly(options, folder_.cStr(), families, &handles, &opened).ok()) return false;
  std::unique_ptr<rocksdb::DB> db(opened);
  uint32_t largest = 0;
  for (auto* handle : handles) {
    largest = std::max(largest, handle->GetID());
    db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  // Numbers only grow, and there are no rows before the family is durable.
  return largestFamilyInWal(env_, folder_.cStr()) <= largest;
}

void ManifestCut::undo() {
  if (currentManifest(env_, folder_.cStr()) == name_) replaceFile(env_, folder_.cStr(), name_, contents_);
}

}  // namespace cambium::rocks
