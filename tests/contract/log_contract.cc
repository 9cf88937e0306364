#include "tests/contract/log_contract.h"

#include <array>

namespace cambium {

std::string failureOf(kj::FunctionParam<void()> operation) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { operation(); })) {
    return kj::str(exception->getType(), ": ", exception->getDescription()).cStr();
  }
  return "";
}

std::string ranges(ByteView batches) {
  return describeBatches(batches).cStr();
}

std::string text(const kj::Maybe<TimeHit>& hit) {
  KJ_IF_MAYBE(found, hit) {
    return kj::str(found->baseOffset, "@", found->maxTimestamp).cStr();
  }
  return "none";
}

WatchedLog::WatchedLog(StorageEngine& engine, LogId id, LogOptions options)
    : id_(kj::mv(id)), options_(options), log_(engine.open(id_.clone(), options_)) {
  start_ = log_->bounds().start;
  end_ = log_->bounds().end;
}

kj::Array<kj::byte> WatchedLog::nextBatch(int records, int64_t timestamp, size_t payloadBytes) {
  return makeBatch(end_, records, TimestampMs(timestamp), payloadBytes, ++seed_);
}

Offset WatchedLog::add(int records, int64_t timestamp, size_t payloadBytes) {
  return addMany(1, records, timestamp, payloadBytes);
}

Offset WatchedLog::addMany(int batches, int records, int64_t timestamp, size_t payloadBytes) {
  kj::Vector<kj::byte> all;
  for (int i = 0; i < batches; ++i) {
    auto batch = nextBatch(records, timestamp, payloadBytes);
    all.addAll(batch);
    written_.add(kj::mv(batch));
    end_ += records;
  }
  Offset end = log_->append(all);
  EXPECT_EQ(end, end_);
  return end;
}

Offset WatchedLog::addBatch(kj::Array<kj::byte> batch) {
  Offset end = log_->append(batch);
  end_ = KJ_ASSERT_NONNULL(BatchView::first(batch)).nextOffset();
  EXPECT_EQ(end, end_);
  written_.add(kj::mv(batch));
  return end;
}

void WatchedLog::dropBefore(int64_t start) {
  log_->dropBefore(Offset(start));
  start_ = Offset(start);
}

void WatchedLog::truncateFrom(int64_t end) {
  log_->truncateFrom(Offset(end));
  end_ = Offset(end);
  written_.cutFrom(end_);
}

void WatchedLog::resetTo(int64_t start) {
  log_->resetTo(Offset(start));
  start_ = end_ = Offset(start);
  written_.clear();
}

kj::Array<kj::byte> WatchedLog::expectedRead(Offset from, Offset upTo, Bytes bytesMax) const {
  kj::Vector<kj::byte> out;
  for (size_t i = 0; i < written_.size(); ++i) {
    auto batch = written_[i];
    if (batch.nextOffset() <= from) continue;
    if (batch.nextOffset() > upTo) break;
    if (out.size() > 0 && out.size() + batch.size() > bytesMax.value()) break;
    out.addAll(batch.bytes());
  }
  return out.releaseAsArray();
}

void WatchedLog::expectRead(Offset from, Offset upTo, Bytes bytesMax) {
  SCOPED_TRACE(kj::str(id_.name, ": read(", from, ", ", upTo, ", ", bytesMax, ")").cStr());
  auto got = log_->read(from, upTo, bytesMax);
  auto expected = expectedRead(from, upTo, bytesMax);
  EXPECT_EQ(ranges(got), ranges(expected));
  EXPECT_TRUE(got.asPtr() == expected.asPtr()) << "other contents";
}

void WatchedLog::expectSame() {
  SCOPED_TRACE(id_.name.cStr());
  auto bounds = log_->bounds();
  EXPECT_EQ(bounds.start, start_);
  EXPECT_EQ(bounds.end, end_);
  EXPECT_LE(bounds.start, bounds.durable);
  EXPECT_LE(bounds.durable, bounds.end);
  expectRead(bounds.start, bounds.end, kNoLimit);
  expectExtentsSound();
}

void WatchedLog::expectExtentsSound() {
  auto extents = log_->extents();
  if (start_ == end_) {
    EXPECT_EQ(extents.size(), 0u);
    return;
  }
  ASSERT_GT(extents.size(), 0u);
  EXPECT_LE(extents[0].first, start_);
  EXPECT_GT(extents[0].end, start_) << "an extent that lies below the start as a whole";
  EXPECT_EQ(extents.back().end, end_);
  for (size_t i = 0; i < extents.size(); ++i) {
    auto& extent = extents[i];
    EXPECT_LT(extent.first, extent.end);
    EXPECT_GT(extent.bytes, Bytes(0));
    if (i > 0) EXPECT_EQ(extent.first, extents[i - 1].end);
    auto newest = kNoTimestamp;
    for (size_t b = 0; b < written_.size(); ++b) {
      bool inside = written_[b].baseOffset() >= extent.first && written_[b].nextOffset() <= extent.end;
      if (inside) newest = std::max(newest, written_[b].maxTimestamp());
    }
    EXPECT_EQ(extent.maxTimestamp, newest) << "extent from " << extent.first.value();
  }
}

void WatchedLog::close() {
  closeBroken(log_->bounds());
}

void WatchedLog::closeBroken(Bounds lastKnown) {
  atClose_ = lastKnown;
  log_ = nullptr;
}

void WatchedLog::openSame(StorageEngine& engine) {
  log_ = engine.open(id_.clone(), options_);
  expectSame();
  EXPECT_GE(log_->bounds().durable, atClose_.durable);
}

void WatchedLog::openAnew(StorageEngine& engine) {
  log_ = engine.open(id_.clone(), options_);
  start_ = end_ = Offset(0);
  written_.clear();
  expectSame();
}

void WatchedLog::openAfterCrash(StorageEngine& engine) {
  log_ = engine.open(id_.clone(), options_);
  auto bounds = log_->bounds();
  EXPECT_GE(bounds.end, atClose_.durable) << "lost what was durable";
  EXPECT_LE(bounds.end, atClose_.end);
  end_ = bounds.end;
  written_.cutFrom(end_);
  if (end_ == start_) written_.clear();
  bool boundary = end_ == start_ || (written_.size() > 0 && written_[written_.size() - 1].nextOffset() == end_);
  EXPECT_TRUE(boundary) << "ends inside of a batch, at " << end_.value();
  expectSame();
}

WatchedLog& LogContract::open(kj::StringPtr name, LogOptions options) {
  return *logs_.add(kj::heap<WatchedLog>(engine(), logId(name), options));
}

LogId logId(kj::StringPtr name, kj::byte incarnation) {
  std::array<kj::byte, 16> bytes{};
  bytes.fill(incarnation);
  return {kj::str(name), Uuid::fromBytes(kj::arrayPtr(bytes.data(), bytes.size()))};
}

void LogContract::reopen() {
  for (auto& log : logs_)
    log->close();
  fixture_->reopen();
  for (auto& log : logs_)
    log->openSame(engine());
}

void LogContract::kill() {
  for (auto& log : logs_)
    log->close();
  fixture_->kill();
  for (auto& log : logs_)
    log->openSame(engine());
}

void LogContract::crash() {
  for (auto& log : logs_)
    log->close();
  fixture_->crash();
  for (auto& log : logs_)
    log->openAfterCrash(engine());
}

}  // namespace cambium
