#pragma once

#include <gtest/gtest.h>

#include "backends/rocksdb/rocks_engine_internal.h"
#include "backends/rocksdb/rocks_inspect.h"
#include "tests/support/batches.h"
#include "tests/support/rocks_faults.h"
#include "tests/support/temporary_folder.h"

namespace cambium {

inline constexpr Bytes kNoLimit{uint64_t{1} << 40};

inline LogId testLogId(kj::StringPtr name, kj::byte incarnation = 1) {
  kj::byte bytes[16];
  memset(bytes, incarnation, sizeof(bytes));
  return {kj::str(name), Uuid::fromBytes(kj::arrayPtr(bytes, 16))};
}

// A store in a temporary folder over a file system with faults.
class RocksTest : public ::testing::Test {
 public:
  ~RocksTest() noexcept override = default;

 protected:
  void open() { engine_ = rocks::openRocksEngineOn(faults_.fileSystem(), path_, options_, {}); }
  // What a killed process leaves.
  void kill() { engine_ = nullptr; }
  void close() {
    engine_->close();
    engine_ = nullptr;
  }
  kj::Own<PartitionLog> log(kj::StringPtr name, LogOptions options = {}) {
    return engine_->open(testLogId(name), options);
  }

  // Appends batches of ten records, one call each. The payload is noise that depends on the offset only.
  static void add(PartitionLog& log, int batches, size_t payloadBytes = 1000) {
    for (int i = 0; i < batches; ++i)
      log.append(batchAt(log.bounds().end, payloadBytes));
  }
  static kj::Array<kj::byte> batchAt(Offset base, size_t payloadBytes = 1000) {
    return makeBatch(base, 10, TimestampMs(1000 + base.value()), payloadBytes, static_cast<uint64_t>(base.value()));
  }
  // All that a log gives back is what add() put in.
  static void expectWhole(PartitionLog& log, size_t payloadBytes = 1000) {
    auto bounds = log.bounds();
    auto data = log.read(bounds.start, bounds.end, kNoLimit);
    BatchIterator batches(data);
    Offset next = bounds.start;
    while (auto* batch = batches.next()) {
      EXPECT_EQ(batch->baseOffset().value(), next.value());
      EXPECT_EQ(batch->bytes(), batchAt(next, payloadBytes).asPtr().asConst());
      next = batch->nextOffset();
    }
    EXPECT_EQ(next.value(), bounds.end.value());
  }
  // The message of what `operation` throws, or "".
  template <class Operation>
  static std::string failureOf(Operation operation) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { operation(); })) return exception->getDescription().cStr();
    return "";
  }
  // An append is refused for want of room, and may be tried again.
  static void expectNoRoom(PartitionLog& log) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { add(log, 1); })) {
      EXPECT_EQ(exception->getType(), kj::Exception::Type::OVERLOADED) << kj::str(*exception).cStr();
    } else {
      ADD_FAILURE() << "an append succeeded";
    }
  }
  // Names of the files in the store that end so, sorted.
  std::vector<std::string> files(const std::string& suffix) {
    std::vector<std::string> names;
    for (auto& entry : std::filesystem::directory_iterator(path_.cStr())) {
      if (entry.path().string().ends_with(suffix)) names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  uint64_t bytesIn(const std::string& suffix) {
    uint64_t sum = 0;
    for (auto& name : files(suffix))
      sum += std::filesystem::file_size(name);
    return sum;
  }

  TemporaryFolder folder_;
  RocksFaults faults_;
  kj::String path_ = folder_.path("store");
  RocksOptions options_;
  kj::Own<StorageEngine> engine_;
};

}  // namespace cambium
