#pragma once

#include <gtest/gtest.h>
#include <ostream>
#include <string>

#include <kj/debug.h>
#include <kj/function.h>

#include "engine/storage/storage_engine.h"
#include "tests/support/batches.h"

namespace cambium {

// A disk with an engine on it, empty at first. All logs are destroyed before a call to anything but engine().
class BackendFixture {
 public:
  virtual ~BackendFixture() noexcept(false) = default;

  // Valid until the next call of another method.
  virtual StorageEngine& engine() = 0;
  // close(), destroy, open over the same disk.
  virtual void reopen() = 0;
  // The process dies: destroyed without close(), opened over everything that the engine handed to the system.
  virtual void kill() = 0;
  // Power fails: as kill(), and everything that was not synced is gone (all of it, or whatever part the disk likes).
  virtual void crash() = 0;
};

// What the suite is run over.
struct Backend {
  const char* name;
  kj::Own<BackendFixture> (*make)();
  // Seeds of the random-operations test: fewer where a reopen takes long.
  uint64_t randomSeeds = 12;
};

inline void PrintTo(const Backend& backend, std::ostream* out) {
  *out << backend.name;
}

// Names the instances: "Native/LogContract.AppendsAndReads/native".
inline std::string backendName(const ::testing::TestParamInfo<Backend>& info) {
  return info.param.name;
}

inline constexpr Bytes kNoLimit{uint64_t{1} << 40};

// What gtest prints of a quantity.
template <class Tag, class Rep>
void PrintTo(Quantity<Tag, Rep> quantity, std::ostream* out) {
  *out << quantity.value();
}

// The message of what `operation` throws, or "" when it throws nothing.
std::string failureOf(kj::FunctionParam<void()> operation);
// "[0..9] [10..19]".
std::string ranges(ByteView batches);
// "10@5000" for the batch that begins at offset 10 and whose max timestamp is 5000; "none".
std::string text(const kj::Maybe<TimeHit>& hit);

// The identity of a log whose incarnation is 16 times the same byte.
LogId logId(kj::StringPtr name, kj::byte incarnation = 1);

// A log together with what must be in it.
class WatchedLog {
 public:
  WatchedLog(StorageEngine& engine, LogId id, LogOptions options);
  KJ_DISALLOW_COPY(WatchedLog);

  PartitionLog* operator->() { return log_; }
  PartitionLog& operator*() { return *log_; }
  const BatchList& written() const { return written_; }
  const LogId& id() const { return id_; }

  // The batch that add() would append, at the end of the log; each call makes other contents.
  kj::Array<kj::byte> nextBatch(int records, int64_t timestamp = 1000, size_t payloadBytes = 40);
  // Appends one batch, or several of the same shape in one call. Returns the new end.
  Offset add(int records, int64_t timestamp = 1000, size_t payloadBytes = 40);
  Offset addMany(int batches, int records, int64_t timestamp = 1000, size_t payloadBytes = 40);
  // Appends this batch, which begins at the end of the log.
  Offset addBatch(kj::Array<kj::byte> batch);
  void dropBefore(int64_t start);
  void truncateFrom(int64_t end);
  void resetTo(int64_t start);
  // A rewrite that went into place left these batches.
  void noteRewritten(Offset first, Offset end, ByteView batches) { written_.replace(first, end, batches); }

  // The answer to one read is exactly the batches of written() that it should be.
  void expectRead(Offset from, Offset upTo, Bytes bytesMax);
  // Bounds, contents and extents are what they must be.
  void expectSame();
  void expectExtentsSound();

  // Destroys the PartitionLog, remembering its bounds.
  void close();
  // The same for a log that is broken and cannot tell its bounds.
  void closeBroken(Bounds lastKnown);
  // Opens it again; nothing may be missing.
  void openSame(StorageEngine& engine);
  // Opens it again after it was dropped.
  void openAnew(StorageEngine& engine);
  // Opens it again after a crash: from the end, down to the durable bound, batches may be missing. Goes on with what is
  // there.
  void openAfterCrash(StorageEngine& engine);

 private:
  kj::Array<kj::byte> expectedRead(Offset from, Offset upTo, Bytes bytesMax) const;

  LogId id_;
  LogOptions options_;
  kj::Own<PartitionLog> log_;
  BatchList written_;
  Offset start_;
  Offset end_;
  Bounds atClose_{};
  uint64_t seed_ = 0;
};

// The suite: what every storage engine must do. See README.md for how an engine joins.
class LogContract : public ::testing::TestWithParam<Backend> {
 public:
  LogContract() : fixture_(GetParam().make()) {}
  ~LogContract() noexcept override = default;

 protected:
  StorageEngine& engine() { return fixture_->engine(); }
  // The log stays open until the test ends or closes it; reopen(), kill() and crash() below reopen and check it.
  WatchedLog& open(kj::StringPtr name, LogOptions options = {});

  void reopen();
  void kill();
  void crash();

  kj::Own<BackendFixture> fixture_;
  kj::Vector<kj::Own<WatchedLog>> logs_;
};

}  // namespace cambium
