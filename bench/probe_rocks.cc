#include "bench/probe_rocks.h"

#include <filesystem>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <kj/debug.h>

#include "backends/rocksdb/family_options.h"
#include "engine/base/byte_cursor.h"

namespace cambium::bench {

struct ProbeRocks::Store {
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<rocksdb::ColumnFamilyHandle> bucket;
};

namespace {
void check(const rocksdb::Status& status) {
  KJ_REQUIRE(status.ok(), "bare RocksDB probe", status.ToString().c_str());
}
}  // namespace

ProbeRocks::ProbeRocks(kj::String folder) : folder_(kj::mv(folder)), store_(kj::heap<Store>()) {
  RocksOptions options;
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(rocksdb::Options(rocks::databaseOptions(options, rocksdb::Env::Default()), {}),
                          folder_.cStr(), &db));
  store_->db.reset(db);
  rocksdb::ColumnFamilyHandle* bucket = nullptr;
  check(db->CreateColumnFamily(rocks::bucketOptions(options), "bucket", &bucket));
  store_->bucket.reset(bucket);
}

ProbeRocks::~ProbeRocks() noexcept(false) {
  store_ = nullptr;
  std::filesystem::remove_all(folder_.cStr());
}

void ProbeRocks::put(Offset base, ByteView value) {
  kj::byte key[12] = {0, 0, 0, 1};
  storeBigEndian(key + 4, base.value());
  rocksdb::WriteBatch batch(value.size() + 64);
  check(batch.Put(store_->bucket.get(), rocksdb::Slice(reinterpret_cast<char*>(key), sizeof(key)),
                  rocksdb::Slice(reinterpret_cast<const char*>(value.begin()), value.size())));
  check(store_->db->Write(rocksdb::WriteOptions(), &batch));
}

}  // namespace cambium::bench
