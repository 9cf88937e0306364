#include "backends/rocksdb/shorter_manifest.h"

#include <algorithm>
#include <map>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>
#include <rocksdb/write_batch.h>
#include <set>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/silent_logger.h"
#include "backends/rocksdb/store_files.h"
#include "backends/rocksdb/wal_end.h"

namespace cambium::rocks {

namespace {

class TextFile final : public rocksdb::FSSequentialFile {
 public:
  explicit TextFile(const std::string& contents) : contents_(contents) {}

  rocksdb::IOStatus Read(size_t size, const rocksdb::IOOptions&, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext*) override {
    size_t got = contents_.copy(scratch, size, position_);
    position_ += got;
    *result = rocksdb::Slice(scratch, got);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus Skip(uint64_t bytes) override {
    position_ = std::min<uint64_t>(contents_.size(), position_ + bytes);
    return rocksdb::IOStatus::OK();
  }

 private:
  const std::string contents_;
  size_t position_ = 0;
};

// Shows other contents for one file.
class WithOneFile final : public rocksdb::FileSystemWrapper {
 public:
  WithOneFile(const std::shared_ptr<rocksdb::FileSystem>& inner, std::string name, std::string contents)
      : FileSystemWrapper(inner), suffix_("/" + name), contents_(std::move(contents)) {}

  const char* Name() const override { return "WithOneFile"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* context) override {
    if (!path.ends_with(suffix_)) return target()->NewSequentialFile(path, options, result, context);
    *result = std::make_unique<TextFile>(contents_);
    return rocksdb::IOStatus::OK();
  }

 private:
  const std::string suffix_;
  const std::string contents_;
};

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

// The store as it would be.
class Shown {
 public:
  Shown(rocksdb::Env& env, std::string folder) : env_(env), folder_(std::move(folder)) {
    rocksdb::DBOptions options;
    options.env = &env_;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.track_and_verify_wals_in_manifest = true;
    options.info_log = std::make_shared<SilentLogger>();
    std::vector<std::string> names;
    check(rocksdb::DB::ListColumnFamilies(options, folder_, &names), folder_.c_str());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    families.reserve(names.size());
    for (auto& name : names)
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::OpenForReadOnly(options, folder_, families, &handles, &opened), folder_.c_str());
    db_.reset(opened);
    for (auto* handle : handles)
      families_[handle->GetID()].reset(handle);
  }

  bool isComplete() {
    // Families get ever higher numbers, and no rows before they are durable. The library would pass over these rows.
    if (largestFamilyInWal() > families_.rbegin()->first) return false;
    std::vector<rocksdb::LiveFileMetaData> live;
    db_->GetLiveFilesMetaData(&live);
    std::set<std::string> known;
    for (auto& file : live)
      known.insert(file.name.substr(file.name.find_last_of('/') + 1));
    for (auto& name : names()) {
      if (name.ends_with(".sst") && !known.contains(name) && !holdsAllOf(name)) return false;
    }
    return true;
  }

 private:
  std::vector<std::string> names() {
    std::vector<std::string> names;
    check(env_.GetChildren(folder_, &names), folder_.c_str());
    return names;
  }

  uint32_t largestFamilyInWal() {
    LargestFamily largest;
    for (auto& name : names()) {
      if (walNumber(name) == nullptr) continue;
      std::string contents;
      check(rocksdb::ReadFileToString(&env_, kj::str(folder_.c_str(), "/", name.c_str()).cStr(), &contents),
            name.c_str());
      forEachRecord(kj::arrayPtr(contents.data(), contents.size()).asBytes(), [&](ByteView payload) {
        auto chars = payload.asChars();
        rocksdb::WriteBatch batch(std::string(chars.begin(), chars.size()));
        check(batch.Iterate(&largest), name.c_str());
      });
    }
    return largest.number;
  }

  // Whether each key in a file that does not belong to the store is there without it.
  bool holdsAllOf(const std::string& name) {
    rocksdb::Options options;
    options.env = &env_;
    rocksdb::SstFileReader reader(options);
    // What cannot be opened was never complete.
    if (!reader.Open(kj::str(folder_.c_str(), "/", name.c_str()).cStr()).ok()) return true;
    auto family = families_.find(static_cast<uint32_t>(reader.GetTableProperties()->column_family_id));
    if (family == families_.end()) return false;
    std::unique_ptr<rocksdb::Iterator> rows(reader.NewIterator(rocksdb::ReadOptions()));
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      rocksdb::PinnableSlice value;
      if (!db_->Get(rocksdb::ReadOptions(), family->second.get(), rows->key(), &value).ok()) return false;
    }
    return rows->status().ok();
  }

  rocksdb::Env& env_;
  const std::string folder_;
  std::unique_ptr<rocksdb::DB> db_;
  std::map<uint32_t, std::unique_ptr<rocksdb::ColumnFamilyHandle>> families_;  // by number; must go before db_
};

}  // namespace

bool isCompleteWithManifest(rocksdb::Env& env, kj::StringPtr folder, const std::string& manifest,
                            const std::string& contents) {
  auto shown = rocksdb::NewCompositeEnv(std::make_shared<WithOneFile>(env.GetFileSystem(), manifest, contents));
  return Shown(*shown, folder.cStr()).isComplete();
}

}  // namespace cambium::rocks
