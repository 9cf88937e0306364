#include "backends/rocksdb/rocks_inspect.h"

#include <kj/debug.h>

#include "backends/rocksdb/check.h"
#include "backends/rocksdb/log_rows.h"
#include "engine/record/batch_view.h"

namespace cambium::rocks {

namespace {

using Problem = kj::FunctionParam<void(kj::StringPtr)>;

struct NamedLog {
  kj::String name;
  LogRow row;
};

kj::StringPtr faultOf(ByteView data, const IndexRow& row) {
  KJ_IF_MAYBE(batch, BatchView::first(data)) {
    if (batch->size() != data.size()) return "its length is not that of the stored value"_kj;
    if (data.size() != row.size) return "its length is not what the index says"_kj;
    if (batch->baseOffset() != row.base || batch->nextOffset() != row.end())
      return "its offsets are not what the index says"_kj;
    if (batch->maxTimestamp() != row.maxTimestamp) return "its max timestamp is not what the index says"_kj;
    return batch->crcMatches() ? ""_kj : "its checksum does not match"_kj;
  }
  return "it is no whole record batch"_kj;
}

class Inspector final : public RocksInspector {
 public:
  explicit Inspector(kj::StringPtr path) : store_(path, RocksStore::ReadOnly()) {}

  kj::Array<RocksBucketInfo> buckets() override {
    auto result = kj::heapArrayBuilder<RocksBucketInfo>(store_.foundBuckets().size());
    for (auto& [number, family] : store_.foundBuckets()) {
      result.add(RocksBucketInfo{bucketFamily(number), Bytes(store_.bytesOnDevice(*family))});
    }
    return result.finish();
  }

  kj::Array<RocksLogInfo> logs() override {
    auto named = namedLogs();
    auto result = kj::heapArrayBuilder<RocksLogInfo>(named.size());
    for (auto& log : named) {
      RocksLogInfo info{
          {kj::str(log.name), log.row.incarnation}, log.row.number.value(), log.row.start, log.row.start, {}};
      for (auto& extent : currentExtents(log)) {
        info.end = extent.end;
        info.extents.add(RocksExtentInfo{{extent.first, extent.end, extent.bytes, extent.maxTimestamp},
                                         bucketFamily(extent.bucket)});
      }
      result.add(kj::mv(info));
    }
    return result.finish();
  }

  void batches(kj::StringPtr log, Offset from, kj::FunctionParam<bool(const RocksBatchInfo&)> visit) override {
    auto value = store_.get(store_.logs(), log.asBytes(), "reading the row of a log");
    auto row = decodeLogRow(log, KJ_REQUIRE_NONNULL(value, "the store has no such log", store_.path(), log));
    Offset begin = kj::max(from, row.firstBatch);
    auto extents = currentExtents({kj::str(log), row});
    walkExtents(store_, row.number, extents, begin, row.firstBatch, false, [&](const IndexRow& found) {
      begin = found.base;
      return false;
    });
    // Rows that should be there may be missing: what follows them is shown all the same.
    bool goesOn = true;
    for (auto& extent : extents) {
      if (!goesOn) return;
      LogRows(store_, row.number, extent.rewrite)
          .walkRange(kj::max(begin, extent.first), extent.end,
                     [&](const IndexRow& found) { return goesOn = visitBatch(row.number, found, visit); });
    }
  }

  kj::Array<kj::String> tables() override {
    auto result = kj::heapArrayBuilder<kj::String>(store_.foundTables().size());
    for (auto& [name, family] : store_.foundTables())
      result.add(kj::str(name.c_str()));
    return result.finish();
  }

  void scan(kj::StringPtr table, ByteView prefix,
            kj::FunctionParam<bool(ByteView key, ByteView value)> visit) override {
    auto found = store_.foundTables().find(table.cStr());
    KJ_REQUIRE(found != store_.foundTables().end(), "the store has no such table", store_.path(), table);
    for (RowCursor cursor(store_, *found->second, prefix); cursor.valid(); cursor.next()) {
      if (!toSlice(cursor.key()).starts_with(toSlice(prefix)) || !visit(cursor.key(), cursor.value())) return;
    }
  }

  uint64_t verify(Problem problem, bool readsBatches) override {
    readsBatches_ = readsBatches;
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { requireAllDurable(); }))
      problem(exception->getDescription());
    auto status = store_.db().VerifyChecksum();
    if (!status.ok()) problem(toException(status, "checksums of files").getDescription());
    uint64_t batches = 0;
    for (auto& log : namedLogs()) {
      // A row that cannot be decoded ends the look at this log only.
      KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { batches += verifyLog(log, problem); })) {
        problem(kj::str(log.name, ": ", exception->getDescription()));
      }
    }
    return batches;
  }

 private:
  // As opening the store does. A broker that has it open may remove a file meanwhile, which it notes first.
  void requireAllDurable() {
    DurableFile durable(rocksdb::FileSystem::Default(), store_.path().cStr());
    auto look = [&]() -> DurableEnds {
      KJ_IF_MAYBE(ends, durable.read()) return kj::mv(*ends);
      return {};
    };
    for (auto ends = look();;) {
      auto failure =
          kj::runCatchingExceptions([&] { requireDurableEnds(*rocksdb::Env::Default(), store_.path(), ends); });
      if (failure == nullptr) return;
      auto later = look();
      if (later == ends) kj::throwFatalException(kj::mv(KJ_ASSERT_NONNULL(failure)));
      ends = std::move(later);
    }
  }

  kj::Vector<NamedLog> namedLogs() {
    kj::Vector<NamedLog> result;
    for (RowCursor cursor(store_, store_.logs()); cursor.valid(); cursor.next()) {
      auto name = kj::heapString(cursor.key().asChars().begin(), cursor.key().size());
      auto row = decodeLogRow(name, cursor.value());
      result.add(NamedLog{kj::mv(name), row});
    }
    return result;
  }

  // With the batches behind the last extent row, as opening the log would do.
  kj::Vector<ExtentRow> currentExtents(const NamedLog& log) {
    LogRows rows(store_, log.row.number);
    auto extents = rows.extents();
    if (extents.size() == 0) return extents;
    auto& last = extents.back();
    rows.walkRange(kj::max(last.end, log.row.firstBatch), kBehindAll, [&](const IndexRow& row) {
      last.end = row.end();
      last.bytes += uint64_t{row.size};
      last.maxTimestamp = kj::max(last.maxTimestamp, row.maxTimestamp);
      return true;
    });
    return extents;
  }

  bool visitBatch(LogNumber log, const IndexRow& row, kj::FunctionParam<bool(const RocksBatchInfo&)>& visit) {
    RowKey key(log, row.rewrite, row.base);
    auto family = bucketFamily(row.bucket);
    RocksBatchInfo info{row.base, family, key.bytes(), nullptr, ""_kj};
    rocksdb::PinnableSlice value;
    kj::String trouble;
    auto bucket = store_.foundBuckets().find(row.bucket);
    if (bucket == store_.foundBuckets().end()) {
      info.problem = "its column family is missing"_kj;
      return visit(info);
    }
    auto status = store_.db().Get(rocksdb::ReadOptions(), bucket->second, toSlice(key), &value);
    if (status.IsNotFound()) {
      info.problem = "it is missing"_kj;
    } else if (!status.ok()) {
      trouble = kj::str(status.ToString().c_str());
      info.problem = trouble;
    } else {
      info.bytes = toView(value);
      info.problem = faultOf(info.bytes, row);
    }
    return visit(info);
  }

  uint64_t verifyLog(const NamedLog& log, Problem& problem) {
    uint64_t count = 0;
    auto extents = currentExtents(log);
    Offset end = log.row.firstBatch;
    for (size_t i = 0; i < extents.size(); ++i) {
      if (i > 0 && extents[i].first != extents[i - 1].end) {
        problem(kj::str(log.name, ": extents do not follow each other at offset ", extents[i - 1].end));
      }
      count += verifyExtent(log, extents[i], end, problem);
    }
    LogRows(store_, log.row.number).walkRange(end, kBehindAll, [&](const IndexRow& row) {
      problem(kj::str(log.name, ": index row at offset ", row.base, " lies outside all extents"));
      return true;
    });
    if (log.row.start > end) problem(kj::str(log.name, ": starts at offset ", log.row.start, ", but ends at ", end));
    return count;
  }

  // `next` is where the batch is expected that comes next; moves on.
  uint64_t verifyExtent(const NamedLog& log, const ExtentRow& extent, Offset& next, Problem& problem) {
    uint64_t count = 0;
    uint64_t bytes = 0;
    TimestampMs latest = kNoTimestamp;
    if (extent.rewrite != kNotRewritten) {
      LogRows(store_, log.row.number).walkRange(extent.first, extent.end, [&](const IndexRow& row) {
        problem(kj::str(log.name, ": index row at offset ", row.base, " is not of the rewritten extent there"));
        return true;
      });
    }
    LogRows rows(store_, log.row.number, extent.rewrite);
    rows.walkRange(kj::max(extent.first, log.row.firstBatch), extent.end, [&](const IndexRow& row) {
      if (row.base != next)
        problem(kj::str(log.name, ": offsets ", next, " to ", row.base - 1, " are not in the index"));
      if (row.bucket != extent.bucket)
        problem(kj::str(log.name, ": index row at offset ", row.base, " names another bucket than its extent"));
      next = row.end();
      ++count;
      bytes += row.size;
      latest = kj::max(latest, row.maxTimestamp);
      if (!readsBatches_) return true;
      auto tell = [&](const RocksBatchInfo& batch) {
        if (batch.problem.size() > 0) {
          problem(kj::str(log.name, ": batch at offset ", batch.baseOffset, " in ", batch.family, ": ", batch.problem));
        }
        return true;
      };
      kj::FunctionParam<bool(const RocksBatchInfo&)> visit(tell);
      return visitBatch(log.row.number, row, visit);
    });
    if (next != extent.end)
      problem(kj::str(log.name, ": offsets ", next, " to ", extent.end - 1, " are not in the index"));
    // Dropping a part of an extent leaves its sums as they were.
    if (extent.first >= log.row.firstBatch && (bytes != extent.bytes.value() || latest != extent.maxTimestamp)) {
      problem(kj::str(log.name, ": the extent at offset ", extent.first, " says ", extent.bytes,
                      " bytes and max timestamp ", extent.maxTimestamp, ", its batches say ", bytes, " and ", latest));
    }
    next = extent.end;
    return count;
  }

  RocksStore store_;
  bool readsBatches_ = true;
};

}  // namespace

}  // namespace cambium::rocks

namespace cambium {

kj::Own<RocksInspector> inspectRocks(kj::StringPtr path) {
  return kj::heap<rocks::Inspector>(path);
}

}  // namespace cambium
