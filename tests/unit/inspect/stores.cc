#include "tests/unit/inspect/stores.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <capnp/message.h>
#include <capnp/serialize.h>

#include "backends/native/native_engine.h"
#include "engine/base/crc32c.h"
#include "engine/group/offset_key.h"
#include "engine/metadata/topic.h"
#include "schema/metadata.capnp.h"
#include "tests/support/batches.h"

namespace cambium::tools {

namespace {

constexpr int kRecordsPerBatch = 10;
constexpr TimestampMs kEpoch{1700000000000};

std::string readAll(int fd) {
  std::string text;
  char buffer[65536];
  for (off_t at = 0;;) {
    ssize_t n = pread(fd, buffer, sizeof(buffer), at);
    KJ_REQUIRE(n >= 0);
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    at += n;
  }
}

}  // namespace

kj::Array<kj::byte> recordBatch(Offset base, int records, TimestampMs firstTimestamp, Codec codec) {
  BatchBuilder builder(BatchOptions{.codec = codec});
  for (int i = 0; i < records; ++i) {
    auto key = kj::str("key-", base + i);
    auto value = kj::str("value-", base + i, "-", kj::repeat('x', 100));
    builder.add(firstTimestamp + i, key.asBytes().asConst(), value.asBytes().asConst());
  }
  auto batch = builder.finish();
  stampBatch(batch, base, LeaderEpoch(0));
  return batch;
}

kj::Array<kj::byte> unreadableBatch(Offset base, TimestampMs firstTimestamp) {
  using namespace batch_layout;
  auto whole = recordBatch(base, 10, firstTimestamp, Codec::kGzip);
  auto batch = kj::heapArray<kj::byte>(whole.slice(0, whole.size() - 5));
  storeBigEndian(batch.begin() + kLength, static_cast<int32_t>(batch.size() - kLengthFrom));
  storeBigEndian(batch.begin() + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  return batch;
}

void appendBatches(PartitionLog& log, int count) {
  for (int i = 0; i < count; ++i) {
    Offset base = log.bounds().end;
    auto codec = i % 2 == 0 ? Codec::kNone : Codec::kZstd;
    log.append(recordBatch(base, kRecordsPerBatch, kEpoch + base.value() * 100, codec));
  }
}

void compact(PartitionLog& log) {
  log.closeExtent();
  syncNow(log);
  auto rewrite = log.startRewrite(log.extents()[0].first, log.bounds().end);
  auto all = rewrite->read(mebibytes(64));
  kj::Vector<kj::byte> kept;
  BatchIterator batches(all);
  for (int i = 0; auto* batch = batches.next(); ++i) {
    if (i % 10 == 0) kept.addAll(makeEmptyBatch(batch->baseOffset(), 30));
    if (i % 10 >= 3) kept.addAll(batch->bytes());
  }
  rewrite->write(kept);
  rewrite->finish();
  KJ_REQUIRE(log.finishRewrite(kj::mv(rewrite)));
}

Uuid topicId(uint8_t number) {
  kj::byte bytes[16] = {};
  bytes[0] = 0x40;
  bytes[15] = number;
  return Uuid::fromBytes(kj::arrayPtr(bytes, sizeof(bytes)));
}

void commitTopic(StorageEngine& engine, kj::StringPtr name, const Uuid& id, int partitions, kj::StringPtr engineName,
                 kj::StringPtr otherEngine) {
  Topic::Spec spec{.name = kj::str(name),
                   .id = id,
                   .partitions = {},
                   .settings = {},
                   .createdAt = kEpoch,
                   .engine = kj::str(engineName)};
  for (int i = 0; i < partitions; ++i)
    spec.partitions.add(PartitionAssignment{.otherEngine = kj::str(otherEngine)});
  spec.settings.add(ConfigSetting{kj::str("retention.ms"), kj::str("-1")});
  auto value = Topic(kj::mv(spec), Revision(0)).encode();
  ByteWriter row;
  row.int64(7);
  row.bytes(value);
  auto key = kj::str("topics/", name);
  TableChange change{"metadata", key.asBytes(), row.written().asConst()};
  engine.commit(kj::arrayPtr(&change, 1));
}

void commitOffset(StorageEngine& engine, kj::StringPtr group, kj::StringPtr topic, int32_t partition, Offset offset) {
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<persisted::OffsetRecord>();
  record.setOffset(offset.value());
  record.setLeaderEpoch(3);
  record.setMetadata("by hand");
  record.setCommittedAt(kEpoch.value());
  auto words = capnp::messageToFlatArray(message);
  auto key = encodeOffsetKey(OffsetKey{group.cStr(), topic.cStr(), partition});
  TableChange change{"offsets", key, words.asBytes().asConst()};
  engine.commit(kj::arrayPtr(&change, 1));
}

Outcome look(InspectOptions options) {
  int out = memfd_create("out", 0);
  int errors = memfd_create("errors", 0);
  KJ_REQUIRE(out >= 0 && errors >= 0);
  Outcome outcome{};
  {
    Output output(out, errors);
    outcome.code = inspect(options, output);
    output.flush();
  }
  outcome.out = readAll(out);
  outcome.errors = readAll(errors);
  close(out);
  close(errors);
  return outcome;
}

Outcome verify(kj::StringPtr path) {
  return look({.path = kj::str(path), .verify = true});
}

void flip(kj::StringPtr path, uint64_t position) {
  std::fstream file(path.cStr(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(position));
  char byte = 0;
  KJ_REQUIRE(file.get(byte).good(), "no such byte", path, position);
  file.seekp(static_cast<std::streamoff>(position));
  file.put(static_cast<char>(byte ^ 1));
  KJ_REQUIRE(file.flush().good(), path);
}

uint64_t fileSize(kj::StringPtr path) {
  return std::filesystem::file_size(path.cStr());
}

std::string contents(kj::StringPtr path) {
  std::ifstream file(path.cStr(), std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> fingerprint(kj::StringPtr folder) {
  std::vector<std::string> lines;
  for (auto& entry : std::filesystem::recursive_directory_iterator(folder.cStr())) {
    struct stat stats;
    KJ_REQUIRE(stat(entry.path().c_str(), &stats) == 0);
    auto line =
        kj::str(entry.path().c_str(), ' ', stats.st_size, ' ', stats.st_mtim.tv_sec, '.', stats.st_mtim.tv_nsec);
    if (entry.is_regular_file()) {
      auto text = contents(entry.path().c_str());
      line = kj::str(line, ' ', crc32c(kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size())));
    }
    lines.push_back(line.cStr());
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

NativeStore::NativeStore() : files_(folder_.path(), 32) {
  std::ofstream(folder_.path("cambium.properties").cStr())
      << "format=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nstate.engine=native\n";
  engine_ = openNativeEngine(files_, "native", {});
}

kj::Own<PartitionLog> NativeStore::open(int partition) {
  LogOptions options;
  options.segmentBytes = kibibytes(32);
  options.indexIntervalBytes = kibibytes(2);
  return engine_->open(LogId{kj::str("words-", partition), topicId(1)}, options);
}

void NativeStore::fill() {
  commitTopic(*engine_, "words", topicId(1), 2, "native");
  commitOffset(*engine_, "readers", "words", 1, Offset(42));
  for (int partition : {0, 1}) {
    auto log = open(partition);
    appendBatches(*log, 100);
    syncNow(*log);
  }
}

void NativeStore::closeCleanly() {
  engine_->close();
  engine_ = nullptr;
}

void NativeStore::kill() {
  engine_ = nullptr;
}

}  // namespace cambium::tools
