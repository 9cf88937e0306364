#include "tools/inspect/repair.h"

#include <filesystem>

#include <kj/debug.h>

#include "backends/native/disk_file_system.h"
#include "backends/native/log_checkpoint.h"
#include "backends/native/native_engine.h"
#include "engine/base/crc32c.h"
#include "engine/storage/names.h"
#include "tools/inspect/salvage.h"
#include "tools/json_writer.h"

namespace cambium::tools {

namespace {

constexpr size_t kOpenFiles = 64;
constexpr int64_t kEmptyOffsetsMax = int64_t{1} << 31;

struct Stretch {
  int64_t batches = 0;
  uint64_t bytes = 0;
  Offset first{0};
  Offset end{0};  // equal to first: nothing

  void add(const BatchView& batch) {
    if (batches == 0) first = batch.baseOffset();
    ++batches;
    bytes += batch.size();
    end = batch.nextOffset();
  }
};

// What a walk over the log has found.
struct Findings {
  kj::Vector<LogGap> gaps;
  Stretch before;  // sound, before the first gap
  Stretch behind;  // sound, behind it
};

Findings examine(SalvageableLog& log) {
  Findings found;
  log.walk([&](const BatchView& batch) { (found.gaps.size() == 0 ? found.before : found.behind).add(batch); },
           [&](LogGap&& gap) { found.gaps.add(kj::mv(gap)); });
  return found;
}

// "offsets 5 to 9 (5)", "no offsets", "offsets from 5 on".
kj::String range(Offset first, kj::Maybe<Offset> end) {
  KJ_IF_MAYBE(e, end) {
    if (*e <= first) return kj::str("no offsets");
    return kj::str("offsets ", first, " to ", *e - 1, " (", e->value() - first.value(), ")");
  }
  return kj::str("offsets from ", first, " on");
}

kj::String describe(const Stretch& extent) {
  if (extent.batches == 0) return kj::str("nothing");
  return kj::str(range(extent.first, extent.end), ", ", extent.batches, extent.batches == 1 ? " batch, " : " batches, ",
                 extent.bytes, " bytes");
}

class Repair {
 public:
  Repair(const RepairOptions& options, Output& out, DiskFileSystem& files)
      : options_(options), out_(out), files_(files) {}

  int run() {
    requireLogName(options_.log);
    if (options_.recreate) return recreate();
    KJ_IF_MAYBE(log, findLog(files_, options_.dataDir, options_.log)) {
      log_ = kj::mv(*log);
    } else {
      out_.complain(kj::str(options_.dataDir, " has no log ", options_.log,
                            "; a partition's log is called TOPIC-PARTITION, and `cambium inspect` lists them. One "
                            "whose folder is gone begins anew with --recreate"));
      return 2;
    }
    found_ = examine(*log_);
    aside_ = log_->describeAside();
    bool acts = options_.apply && found_.gaps.size() > 0;
    if (acts && options_.cut) log_->cut(found_.gaps[0]);
    if (acts && options_.copyTo != nullptr) copy();
    if (options_.json) {
      printJson();
    } else {
      printText();
    }
    return 0;
  }

 private:
  int recreate();
  void copy();
  void printText();
  void printCut();
  void printCopy(kj::StringPtr target);
  void printJson();
  uint64_t fillers() const;

  const RepairOptions& options_;
  Output& out_;
  DiskFileSystem& files_;
  kj::Own<SalvageableLog> log_;
  Findings found_;
  kj::String aside_;
};

int Repair::recreate() {
  auto end = lastKnownEnd(files_, options_.log);
  auto folder = kj::str("native/", options_.log);
  auto aside = freePath(files_, folder, "-unclaimed");
  bool hasFolder = files_.exists(folder);
  auto rest = hasFolder ? kj::str("; what is left of it ", options_.apply ? "was" : "would be", " moved to ",
                                  files_.describe(aside))
                        : kj::str("; its folder is gone");
  if (options_.apply) recreateNativeLog(files_, options_.log, end, aside);
  if (options_.json) {
    JsonWriter json;
    json.beginObject().key("log").value(options_.log).key("engine").value("native"_kj);
    json.key("startOffset").value(end);
    if (hasFolder) json.key("aside").value(aside);
    json.key("applied").value(options_.apply).endObject();
    out_.write(json.text());
    out_.write("\n"_kj);
    return 0;
  }
  out_.write(kj::str("log ", options_.log, " (native) of ", options_.dataDir, "\n--recreate ",
                     options_.apply ? "began" : "begins", " it anew, empty, at offset ", end,
                     ", where it was last known to end", rest, "\n"));
  if (!options_.apply) out_.write("nothing was changed: add --apply to do it\n"_kj);
  return 0;
}

void Repair::copy() {
  auto& target = KJ_ASSERT_NONNULL(options_.copyTo);
  namespace fs = std::filesystem;
  KJ_REQUIRE(!fs::exists(target.cStr()) || fs::is_empty(target.cStr()), "--copy_to names a folder that is not empty",
             target);
  auto id = log_->id();
  DiskFileSystem store(target, kOpenFiles);
  auto engine = openNativeEngine(store, "native", {});
  {
    auto copied = engine->open(id.clone(), {});
    TimestampMs newest = kNoTimestamp;
    bool begun = false;
    auto begin = [&](Offset at) {
      if (!begun && at > Offset(0)) copied->resetTo(at);
      begun = true;
    };
    log_->walk(
        [&](const BatchView& batch) {
          begin(batch.baseOffset());
          copied->append(batch.bytes());
          newest = kj::max(newest, batch.maxTimestamp());
        },
        [&](LogGap&& gap) {
          begin(gap.first);
          KJ_IF_MAYBE(end, gap.end) {
            for (auto at = gap.first; at < *end;) {
              int64_t count = kj::min(end->value() - at.value(), kEmptyOffsetsMax);
              copied->append(emptyBatch(at, count, newest));
              at += count;
            }
          }
        });
    syncNow(*copied);
    auto bounds = copied->bounds();
    if (log_->start() > bounds.start && log_->start() <= bounds.end) copied->dropBefore(log_->start());
  }
  engine->close();
  engine = nullptr;
  // Moved to where the other one was, it must count as the later of the two.
  auto checkpoint = decodeCheckpoint(readWholeFile(store, kj::str("native/", kCheckpointName)));
  for (auto& log : KJ_ASSERT_NONNULL(checkpoint).logs) {
    auto state = log.state.clone();
    state.session = log_->session() + 1;
    state.clean = false;
    replaceFile(store, kj::str("native/", id.name, "/", kLogStateName), encodeLogState(state));
  }
}

// Offsets that the copy holds empty batches for.
uint64_t Repair::fillers() const {
  uint64_t count = 0;
  for (auto& gap : found_.gaps) {
    KJ_IF_MAYBE(end, gap.end) count += static_cast<uint64_t>(end->value() - gap.first.value());
  }
  return count;
}

void Repair::printText() {
  out_.write(kj::str("log ", options_.log, " (", log_->engine(), ") of ", options_.dataDir, ", from offset ",
                     log_->start(), " on\n"));
  if (found_.gaps.size() == 0) {
    out_.write(kj::str("sound: ", describe(found_.before), "; there is nothing to repair\n"));
    return;
  }
  for (auto& gap : found_.gaps) {
    out_.write(kj::str("damaged: ", range(gap.first, gap.end), ", ", gap.bytes, " bytes in ", gap.where, ": ", gap.what,
                       "\n"));
  }
  bool both = !options_.cut && options_.copyTo == nullptr;
  if (options_.cut || both) printCut();
  KJ_IF_MAYBE(target, options_.copyTo) {
    printCopy(*target);
  } else if (both) {
    printCopy("DIR");
  }
  if (!options_.apply) {
    out_.write(
        kj::str("nothing was changed", both ? ": choose --cut or --copy_to=DIR, and" : ":", " add --apply to do it\n"));
  }
}

void Repair::printCut() {
  bool done = options_.apply;
  out_.write(kj::str("--cut ", done ? "kept" : "keeps", ": ", describe(found_.before), "\n"));
  out_.write(kj::str("--cut ", done ? "gave up" : "gives up", ": everything from offset ", found_.gaps[0].first,
                     " on; of that could be read: ", describe(found_.behind), "; ", done ? "" : "it would be ", aside_,
                     "\n"));
}

void Repair::printCopy(kj::StringPtr target) {
  bool done = options_.apply;
  out_.write(kj::str("--copy_to ", done ? "kept" : "keeps", ": ", describe(found_.before), "; and ",
                     describe(found_.behind), "; in a native store in ", target, "\n"));
  out_.write(kj::str("--copy_to ", done ? "lost" : "loses", ": the records of the ", found_.gaps.size(),
                     found_.gaps.size() == 1 ? " gap" : " gaps", " above; empty batches hold the place of ", fillers(),
                     " offsets, so that all others stay what they are. The log itself stays as it is\n"));
  if (log_->engine() == "native") {
    out_.write(kj::str("to use the copy: with the broker stopped, move ", options_.dataDir, "/native/", options_.log,
                       " out of the data directory and ", target, "/native/", options_.log, " into its place\n"));
  }
}

void Repair::printJson() {
  JsonWriter json;
  auto extent = [&](kj::StringPtr name, const Stretch& what) {
    json.key(name).beginObject().key("batches").value(what.batches).key("bytes").value(what.bytes);
    json.key("firstOffset").value(what.first).key("endOffset").value(what.end).endObject();
  };
  json.beginObject().key("log").value(options_.log).key("engine").value(log_->engine());
  json.key("startOffset").value(log_->start()).key("gaps").beginArray();
  for (auto& gap : found_.gaps) {
    json.beginObject().key("firstOffset").value(gap.first).key("endOffset");
    KJ_IF_MAYBE(end, gap.end) {
      json.value(*end);
    } else {
      json.null();
    }
    json.key("bytes").value(gap.bytes).key("where").value(gap.where).key("what").value(gap.what).endObject();
  }
  json.endArray();
  extent("beforeDamage", found_.before);
  extent("behindDamage", found_.behind);
  json.key("emptyOffsets").value(fillers());
  json.key("aside").value(aside_);
  json.key("applied").value(options_.apply && found_.gaps.size() > 0).endObject();
  out_.write(json.text());
  out_.write("\n"_kj);
}

}  // namespace

kj::Array<kj::byte> emptyBatch(Offset base, int64_t count, TimestampMs timestamp) {
  using namespace batch_layout;
  KJ_REQUIRE(count >= 1 && count <= kEmptyOffsetsMax, count);
  auto batch = kj::heapArray<kj::byte>(kHeaderBytes);
  memset(batch.begin(), 0, batch.size());
  auto* at = batch.begin();
  storeBigEndian(at + kBaseOffset, base.value());
  storeBigEndian(at + kLength, static_cast<int32_t>(kHeaderBytes - kLengthFrom));
  storeBigEndian(at + kLeaderEpoch, int32_t{0});
  at[kMagic] = static_cast<kj::byte>(kMagicV2);
  storeBigEndian(at + kLastOffsetDelta, static_cast<int32_t>(count - 1));
  storeBigEndian(at + kBaseTimestamp, timestamp.value());
  storeBigEndian(at + kMaxTimestamp, timestamp.value());
  storeBigEndian(at + kProducerId, int64_t{-1});
  storeBigEndian(at + kProducerEpoch, int16_t{-1});
  storeBigEndian(at + kBaseSequence, int32_t{-1});
  storeBigEndian(at + kRecordCount, int32_t{0});
  storeBigEndian(at + kCrc, crc32c(batch.slice(kAttributes, batch.size())));
  return batch;
}

int repair(const RepairOptions& options, Output& out) {
  KJ_REQUIRE(std::filesystem::is_directory(options.dataDir.cStr()), "there is no such data directory", options.dataDir);
  DiskFileSystem files(options.dataDir, kOpenFiles);
  KJ_REQUIRE(files.exists("cambium.properties"), "this folder is no data directory of a broker", options.dataDir);
  KJ_IF_MAYBE(lock, files.tryLock("cambium.lock")) {
    auto held = kj::mv(*lock);
    return Repair(options, out, files).run();
  }
  out.complain(kj::str("a broker has ", options.dataDir, " open; stop it first"));
  return 1;
}

}  // namespace cambium::tools
