#include "tools/inspect/rocks_inspection.h"

#include <kj/encoding.h>

#include "backends/rocksdb/rocks_inspect.h"

namespace cambium::tools {

namespace {

constexpr ItemKind kBucketItem{"bucket"_kj, "buckets"_kj};
constexpr ItemKind kLogItem{"log"_kj, "logs"_kj};
constexpr ItemKind kExtentItem{"extent"_kj, "extents"_kj};
constexpr int kNumberWidth = 10;

void printExtent(Report& report, const RocksExtentInfo& info) {
  report.open(kExtentItem);
  report.number("baseOffset", info.extent.first.value(), kNumberWidth);
  report.number("endOffset", info.extent.end.value(), kNumberWidth);
  report.number("bytes", static_cast<int64_t>(info.extent.bytes.value()), kNumberWidth);
  report.time("maxTimestamp", info.extent.maxTimestamp);
  report.text("family", info.family);
  report.close();
}

void printLogHead(Report& report, const RocksLogInfo& log) {
  uint64_t bytes = 0;
  for (auto& extent : log.extents)
    bytes += extent.extent.bytes.value();
  report.text("name", log.id.name, 20);
  report.text("engine", "rocksdb");
  report.text("id", kj::str(log.id.incarnation));
  report.number("number", log.number, 4);
  report.number("startOffset", log.start.value(), kNumberWidth);
  report.number("endOffset", log.end.value(), kNumberWidth);
  report.number("bytes", static_cast<int64_t>(bytes), kNumberWidth);
  report.number("extentCount", static_cast<int64_t>(log.extents.size()), 4);
}

}  // namespace

RocksStoreInspector::RocksStoreInspector(Inspection& inspection, kj::String path)
    : inspection_(inspection), path_(kj::mv(path)) {
  inspection.guard(path_, [&] { store_ = inspectRocks(path_); });
}

RocksStoreInspector::~RocksStoreInspector() noexcept(false) = default;

void RocksStoreInspector::runState(TopicCatalogue* catalogue) {
  KJ_IF_MAYBE(store, store_) {
    auto& report = inspection_.report;
    inspection_.guard(path_, [&] {
      for (auto& bucket : (*store)->buckets()) {
        report.open(kBucketItem);
        report.text("family", bucket.family);
        report.number("bytes", static_cast<int64_t>(bucket.bytes.value()), kNumberWidth);
        report.close();
      }
    });
    inspection_.guard(path_, [&] {
      RowPrinter printer(inspection_, kj::str(path_), catalogue);
      for (auto& table : (*store)->tables()) {
        printer.openTable(table);
        (*store)->scan(table, nullptr, [&](ByteView key, ByteView value) {
          printer.row(key, value);
          return true;
        });
        printer.closeTable();
      }
    });
  }
}

void RocksStoreInspector::runLogs() {
  KJ_IF_MAYBE(store, store_) {
    auto& report = inspection_.report;
    inspection_.guard(path_, [&] {
      for (auto& log : (*store)->logs()) {
        if (inspection_.wantsLog(log.id.name)) {
          report.open(kLogItem);
          printLogHead(report, log);
          for (auto& extent : log.extents)
            printExtent(report, extent);
          inspection_.guard(path_, [&] { runLog(log.id.name); });
          report.close();
        }
        logs_.add(HeldLog{kj::str(log.id.name), log.id.incarnation});
      }
    });
    if (inspection_.options.verify) verify();
  }
}

void RocksStoreInspector::runLog(kj::StringPtr name) {
  auto& options = inspection_.options;
  if (!options.verify && !options.listsBatches() && !options.deep) return;
  BatchLister lister(inspection_, options.listsBatches());
  auto where = kj::str(path_, ": ", name);
  Offset from = options.verify ? Offset(0) : options.from;
  KJ_ASSERT_NONNULL(store_)->batches(name, from, [&](const RocksBatchInfo& info) {
    auto batch = BatchView::first(info.bytes);
    KJ_IF_MAYBE(view, batch) {
      lister.see(*view, {.file = where, .family = info.family}, info.problem.size() > 0);
    }
    if (info.problem.size() > 0) {
      inspection_.add({.file = kj::str(where),
                       .offset = info.baseOffset,
                       .what = kj::str("the batch in column family ", info.family, " under key (hex) ",
                                       kj::encodeHex(info.key), " is damaged: ", info.problem)});
    }
    return options.verify || !lister.done();
  });
}

// The library's own checksums, and whether index, blocks and extents agree; runLog() has looked at the batches.
void RocksStoreInspector::verify() {
  inspection_.guard(path_, [&] {
    KJ_ASSERT_NONNULL(store_)->verify(
        [&](kj::StringPtr problem) { inspection_.error(kj::str(path_), kj::str(problem)); }, false);
  });
}

}  // namespace cambium::tools
