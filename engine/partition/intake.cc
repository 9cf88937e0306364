#include "engine/partition/intake.h"

#include "engine/record/recompress.h"
#include "engine/record/validator.h"

namespace cambium {

namespace {

// What may be decompressed on a loop for one append: gzip, the slowest, takes some three milliseconds for it. And no
// more than so many times what was sent, so that a request of many small batches holds up a loop only as its size
// warrants.
constexpr uint64_t kLoopInflatedBytesMax = uint64_t{1} << 20;
constexpr uint64_t kLoopRatioMax = 24;
constexpr uint64_t kLoopRatioFreeBytes = uint64_t{16} << 10;
// Compressed batches that are larger hold more than that, as a rule: it is not tried.
constexpr size_t kLoopCompressedBytesMax = size_t{512} << 10;
// What may be brought into another codec on a loop: compressing takes ten times as long.
constexpr uint64_t kLoopConvertedBytesMax = uint64_t{32} << 10;

// The largest batch that a change of codec may make. A batch is sent whole in one RPC message, whose readers stop at
// 64 MiB: half of that leaves room for what is around it, and every offset stays readable.
constexpr size_t kConvertedBytesMax = size_t{32} << 20;

RecordRules recordRules(const PartitionConfig& config, TimestampMs now) {
  RecordRules rules{.keysRequired = config.keysRequired};
  // The broker's own timestamps need no check. A bound beyond what a timestamp can be is none.
  if (config.timestampType == TimestampType::kLogAppendTime) return rules;
  if (config.timestampBeforeMaxMs <= now.value()) rules.earliest = now - config.timestampBeforeMaxMs;
  int64_t latest;
  if (!__builtin_add_overflow(now.value(), config.timestampAfterMaxMs, &latest)) rules.latest = TimestampMs(latest);
  return rules;
}

// The batches of one append, one after another.
class Taking {
 public:
  Taking(kj::ArrayPtr<kj::byte> batches, const IntakeRules& rules, IntakePlace place)
      : batches_(batches), rules_(rules), onLoop_(place == IntakePlace::kLoop) {}

  kj::Maybe<Result<Intake>> run() {
    auto validated = validateBatches(batches_, {.batchBytesMax = rules_.batchBytesMax});
    if (!validated.ok()) return Result<Intake>(kj::mv(validated.error()));
    for (size_t at = 0; at < batches_.size();) {
      auto batch = KJ_ASSERT_NONNULL(BatchView::first(batches_.slice(at, batches_.size())));
      auto taken = takeOne(batch, batches_.slice(at, at + batch.size()));
      if (needsThread_) return nullptr;
      if (!taken.ok()) return Result<Intake>(kj::mv(taken.error()));
      at += batch.size();
    }
    Intake intake{.recordCount = validated.value().recordCount, .converted = nullptr};
    if (differs_) intake.converted = converted_.finish();
    return Result<Intake>(kj::mv(intake));
  }

 private:
  Result<void> takeOne(const BatchView& batch, kj::ArrayPtr<kj::byte> bytes) {
    auto codec = rules_.codec.orDefault(batch.codec());
    bool converts = codec != batch.codec();
    if (mustRead(batch, converts)) {
      auto read = readRecords(batch, bytes, converts ? kj::Maybe<Codec>(codec) : nullptr);
      if (!read.ok()) return read;
    } else if (!rules_.brokersTime) {
      auto checked = checkHeaderOnly(batch, rules_.records);
      if (!checked.ok()) return checked;
    }
    if (needsThread_) return {};
    if (converts) return convert(batch, codec);
    if (differs_) converted_.bytes(batch.bytes());
    return {};
  }

  bool mustRead(const BatchView& batch, bool converts) const {
    return batch.codec() == Codec::kNone || rules_.readsCompressed || converts || rules_.records.keysRequired ||
           rules_.records.earliest != nullptr;
  }

  Result<void> readRecords(const BatchView& batch, kj::ArrayPtr<kj::byte> bytes, kj::Maybe<Codec> into) {
    auto limit = rules_.inflatedBytesMax;
    bool compressed = batch.codec() != Codec::kNone;
    KJ_IF_MAYBE(codec, into) {
      // What is stored as it is read has the size that the topic allows.
      if (*codec == Codec::kNone) limit = kj::min(limit, storedBytesMax() - batch_layout::kHeaderBytes);
      if (leavesToThread(batch.payload().size() > kLoopConvertedBytesMax)) return {};
    }
    auto loopLimit =
        kj::min(kLoopInflatedBytesMax - inflated_, kLoopRatioFreeBytes + batch.payload().size() * kLoopRatioMax);
    bool bounded = onLoop_ && compressed && loopLimit < limit;
    if (leavesToThread(compressed && batch.payload().size() > kLoopCompressedBytesMax)) return {};
    auto checked = checkRecords(batch, rules_.records, {.outputBytesMax = bounded ? loopLimit : limit});
    if (!checked.ok()) {
      // On a thread it is found out whether it is too large for us, or only for the loop.
      leavesToThread(bounded && checked.error().code == ErrorCode::kMessageTooLarge);
      bool tooLargeToStore = limit < rules_.inflatedBytesMax && checked.error().code == ErrorCode::kMessageTooLarge;
      return tooLargeToStore ? tooLargeInCodec(batch, kj::str("more than ", storedBytesMax()))
                             : kj::mv(checked.error());
    }
    auto& records = checked.value();
    if (compressed) inflated_ += records.bytes;
    if (leavesToThread(into != nullptr && records.bytes > kLoopConvertedBytesMax)) return {};
    if (!rules_.brokersTime && records.maxTimestamp != batch.maxTimestamp())
      stampMaxTimestamp(bytes, records.maxTimestamp);
    return {};
  }

  Result<void> convert(const BatchView& batch, Codec codec) {
    if (!differs_) {
      differs_ = true;
      converted_.bytes(batches_.slice(0, static_cast<size_t>(batch.bytes().begin() - batches_.begin())));
    }
    auto one = recompress(batch, codec, rules_.compressionLevel, {.outputBytesMax = rules_.inflatedBytesMax});
    if (!one.ok()) return kj::mv(one.error());
    if (one.value().size() > storedBytesMax()) {
      return tooLargeInCodec(batch, kj::str(one.value().size()));
    }
    converted_.bytes(one.value());
    return {};
  }

  Error tooLargeInCodec(const BatchView& batch, kj::StringPtr bytes) const {
    return makeError(ErrorCode::kMessageTooLarge, "a batch of ", batch.size(), " bytes has ", bytes,
                     " in the codec of its topic (compression.type), at most ", storedBytesMax(),
                     " can be stored (max.message.bytes); send smaller batches, or in the topic's codec");
  }

  size_t storedBytesMax() const {
    return kj::max(kj::min(rules_.batchBytesMax, kConvertedBytesMax), batch_layout::kHeaderBytes);
  }

  bool leavesToThread(bool takesLong) {
    needsThread_ = needsThread_ || (onLoop_ && takesLong);
    return needsThread_;
  }

  kj::ArrayPtr<kj::byte> batches_;
  const IntakeRules& rules_;
  const bool onLoop_;
  bool needsThread_ = false;
  uint64_t inflated_ = 0;  // so far
  bool differs_ = false;   // a batch was converted
  ByteWriter converted_;   // all batches so far, once one differs
};

}  // namespace

IntakeRules::IntakeRules(const PartitionConfig& config, uint64_t inflatedBytesMax, TimestampMs now)
    : batchBytesMax(config.batchBytesMax),
      inflatedBytesMax(inflatedBytesMax),
      records(recordRules(config, now)),
      brokersTime(config.timestampType == TimestampType::kLogAppendTime),
      readsCompressed(config.readsCompressed),
      codec(config.codec),
      compressionLevel(config.compressionLevel) {}

kj::Maybe<Result<Intake>> takeIn(kj::ArrayPtr<kj::byte> batches, const IntakeRules& rules, IntakePlace place) {
  return Taking(batches, rules, place).run();
}

}  // namespace cambium
