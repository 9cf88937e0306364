#include <kj/debug.h>

#include "backends/rocksdb/rocks_engine.h"
#include "backends/rocksdb/rocks_inspect.h"
#include "tools/inspect/salvage.h"
#include "tools/inspect/unreadable.h"

namespace cambium::tools {

namespace {

class RocksLogOnDisk final : public SalvageableLog {
 public:
  RocksLogOnDisk(FileSystem& files, kj::StringPtr dataDir, kj::StringPtr name)
      : files_(files), path_(kj::str(dataDir, "/rocksdb")), name_(kj::str(name)) {
    auto inspector = inspectRocks(path_);
    for (auto& log : inspector->logs()) {
      if (log.id.name != name_) continue;
      incarnation_ = log.id.incarnation;
      start_ = log.start;
      end_ = log.end;
      return;
    }
    KJ_FAIL_REQUIRE("the store has no such log", path_, name_);
  }

  kj::StringPtr engine() override { return "rocksdb"_kj; }
  LogId id() override { return {kj::str(name_), incarnation_}; }
  Offset start() override { return start_; }
  uint64_t session() override { return 0; }
  kj::String describeAside() override {
    return kj::str("written to ", files_.describe(aside()), ", a segment file that `cambium inspect` reads");
  }

  void walk(kj::FunctionParam<void(const BatchView&)> batch, kj::FunctionParam<void(LogGap&&)> gap) override {
    kj::Maybe<Offset> next;
    kj::Maybe<LogGap> pending;
    auto note = [&](Offset first, uint64_t bytes, kj::String where, kj::StringPtr what) {
      KJ_IF_MAYBE(begun, pending) {
        begun->bytes += bytes;
        return;
      }
      pending = LogGap{.first = first, .bytes = bytes, .where = kj::mv(where), .what = kj::str(what)};
    };
    auto inspector = inspectRocks(path_);
    inspector->batches(name_, Offset(0), [&](const RocksBatchInfo& info) {
      auto expected = next.orDefault(info.baseOffset);
      auto where = kj::str(info.family, " of ", path_, " at offset ", info.baseOffset);
      if (info.baseOffset > expected)
        note(expected, 0, kj::str("the index of ", path_), "no row speaks of these offsets");
      if (info.problem.size() > 0) {
        note(info.baseOffset, info.bytes.size(), kj::mv(where), info.problem);
        next = info.baseOffset;
        return true;
      }
      auto sound = KJ_ASSERT_NONNULL(BatchView::first(info.bytes));
      KJ_IF_MAYBE(reason, whyUnreadable(sound)) {
        note(info.baseOffset, info.bytes.size(), kj::mv(where),
             kj::str("a batch whose records cannot be read: ", *reason));
        next = sound.nextOffset();
        return true;
      }
      KJ_IF_MAYBE(begun, pending) {
        begun->end = info.baseOffset;
        gap(kj::mv(*begun));
        pending = nullptr;
      }
      batch(sound);
      next = sound.nextOffset();
      return true;
    });
    KJ_IF_MAYBE(begun, pending) {
      if (end_ > begun->first) begun->end = end_;
      gap(kj::mv(*begun));
    }
  }

  // What goes is written to a file before it goes.
  void cut(const LogGap& gap) override {
    {
      auto path = aside();
      auto file = files_.open(path, FileSystem::Mode::kCreate);
      uint64_t position = 0;
      auto inspector = inspectRocks(path_);
      inspector->batches(name_, gap.first, [&](const RocksBatchInfo& info) {
        if (info.baseOffset < gap.first || info.bytes.size() == 0) return true;
        file->write(position, info.bytes);
        position += info.bytes.size();
        return true;
      });
      file->sync();
      files_.syncDirectory("");
    }
    auto engine = openRocksEngine(path_);
    {
      auto log = engine->open(id(), {});
      log->truncateFrom(gap.first);
    }
    engine->close();
  }

 private:
  kj::String aside() { return freePath(files_, kj::str(name_, ".cut"), ".log"); }

  FileSystem& files_;
  kj::String path_;
  kj::String name_;
  Uuid incarnation_;
  Offset start_{0};
  Offset end_{0};
};

}  // namespace

kj::Own<SalvageableLog> openRocksLog(FileSystem& files, kj::StringPtr dataDir, kj::StringPtr name) {
  return kj::heap<RocksLogOnDisk>(files, dataDir, name);
}

kj::String freePath(FileSystem& files, kj::StringPtr before, kj::StringPtr after) {
  for (uint32_t n = 1;; ++n) {
    auto path = kj::str(before, ".", n, after);
    if (!files.exists(path)) return path;
  }
}

kj::Maybe<kj::Own<SalvageableLog>> findLog(FileSystem& files, kj::StringPtr dataDir, kj::StringPtr name) {
  if (files.exists(kj::str("native/", name))) return openNativeLog(files, name);
  if (!files.exists("rocksdb/CURRENT")) return nullptr;
  bool has = false;
  {
    auto inspector = inspectRocks(kj::str(dataDir, "/rocksdb"));
    for (auto& log : inspector->logs())
      has = has || log.id.name == name;
  }
  if (!has) return nullptr;
  return openRocksLog(files, dataDir, name);
}

}  // namespace cambium::tools
