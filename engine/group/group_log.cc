#include "engine/group/group_log.h"

#include <kj/debug.h>
#include <kj/encoding.h>

#include "engine/base/coroutine.h"
#include "engine/group/offset_records.h"
#include "engine/record/batch_builder.h"
#include "engine/record/record_reader.h"

namespace cambium {

namespace {

// A batch is closed when the next record would make it larger, so that every client can read it.
constexpr size_t kBatchBytes = 512 << 10;
// Read at a time in a replay.
constexpr Bytes kReplayBytes = mebibytes(1);

Error unavailable(const Error& cause) {
  return makeError(ErrorCode::kCoordinatorNotAvailable, "the group's log: ", cause.message);
}

// One or more batches of records, one after another.
class RecordWriter {
 public:
  explicit RecordWriter(TimestampMs now) : now_(now) {}

  void add(ByteView key, kj::Maybe<ByteView> value) {
    if (batch_.count() > 0 && batch_.sizeBytes() + BatchBuilder::recordSizeBytes(key, value) > kBatchBytes) cut();
    batch_.add(now_, key, value);
  }
  kj::Array<kj::byte> finish() {
    cut();
    return out_.finish();
  }

 private:
  void cut() { out_.bytes(batch_.finish()); }

  TimestampMs now_;
  BatchBuilder batch_;
  ByteWriter out_;
};

kj::Array<kj::byte> encode(const GroupChanges& changes, TimestampMs now) {
  RecordWriter out(now);
  for (auto& change : changes.offsets) {
    auto key = encodeOffsetRecordKey(change.key);
    KJ_IF_MAYBE(offset, change.offset) {
      out.add(key, ByteView(encodeOffsetRecordValue(*offset)));
    } else {
      out.add(key, nullptr);
    }
  }
  for (auto& change : changes.groups) {
    out.add(encodeGroupRecordKey(change.group),
            change.value.map([](const kj::Array<const kj::byte>& v) { return v.asPtr(); }));
  }
  return out.finish();
}

}  // namespace

GroupLog::GroupLog(kj::Own<Partition> partition, const Clock& clock, Apply apply)
    : partition_(kj::mv(partition)), clock_(clock), apply_(kj::mv(apply)) {}

void GroupLog::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "group log", exception);
}

kj::Promise<Result<void>> GroupLog::write(GroupChanges changes) {
  if (changes.empty()) return Result<void>();
  auto batches = encode(changes, clock_.now());
  auto appended = partition_->append(batches);
  if (!appended.ok()) return Result<void>(unavailable(appended.error()));
  auto paf = kj::newPromiseAndFulfiller<Result<void>>();
  pending_.push_back(Write{appended.value().nextOffset, kj::mv(changes), kj::mv(paf.fulfiller)});
  if (!applying_) {
    applying_ = true;
    tasks_.add(applyCommitted());
  }
  return kj::mv(paf.promise);
}

kj::Promise<void> GroupLog::applyCommitted() {
  while (!pending_.empty()) {
    auto committed = co_await partition_->whenCommitted(pending_.front().end);
    auto write = kj::mv(pending_.front());
    pending_.pop_front();
    if (committed.ok()) {
      apply_(kj::mv(write.changes), write.end);
      write.done->fulfill(Result<void>());
    } else {
      write.done->fulfill(unavailable(committed.error()));
    }
  }
  applying_ = false;
}

kj::Promise<Result<GroupLog::Bounds>> GroupLog::bounds() {
  auto status = partition_->status();
  KJ_IF_MAYBE(reason, status.offline) {
    co_return Result<Bounds>(makeError(ErrorCode::kCoordinatorNotAvailable, "partition ", partition_->name(),
                                       " of the internal topic is offline: ", *reason));
  }
  auto committed = co_await partition_->whenCommitted(status.end);
  if (!committed.ok()) co_return Result<Bounds>(unavailable(committed.error()));
  co_return Result<Bounds>(Bounds{status.logStart, status.end});
}

kj::Promise<Result<void>> GroupLog::replay(Offset from, Offset end) {
  while (from < end) {
    auto read = partition_->read(from, kReplayBytes);
    if (!read.ok()) co_return Result<void>(unavailable(read.error()));
    BatchIterator each(read.value().batches);
    while (auto* batch = each.next()) {
      auto changes = readChanges(*batch);
      if (!changes.ok()) co_return Result<void>(unavailable(changes.error()));
      apply_(kj::mv(changes.value()), batch->nextOffset());
    }
    if (read.value().nextOffset == from) break;  // what is missing was compacted away
    from = read.value().nextOffset;
    co_await kj::evalLater([] {});
  }
  co_return Result<void>();
}

Result<GroupChanges> GroupLog::readChanges(const BatchView& batch) const {
  GroupChanges changes;
  RecordReader records(batch);
  while (auto* record = records.next()) {
    auto passOver = [&](kj::StringPtr what) {
      KJ_LOG(ERROR, "a record of the internal topic is passed over", partition_->name(), record->offset, what);
    };
    KJ_IF_MAYBE(keyBytes, record->key) {
      KJ_IF_MAYBE(key, decodeRecordKey(*keyBytes)) {
        if (key->is<OffsetKey>()) {
          OffsetChange change{kj::mv(key->get<OffsetKey>()), nullptr};
          KJ_IF_MAYBE(value, record->value) {
            change.offset = decodeOffsetRecordValue(*value);
            if (change.offset == nullptr) {
              passOver("a malformed offset");
              continue;
            }
          }
          changes.offsets.add(kj::mv(change));
        } else if (key->is<GroupRecordKey>()) {
          changes.groups.add(GroupChange{kj::mv(key->get<GroupRecordKey>().group), record->value.map([](ByteView v) {
                                           return kj::heapArray<const kj::byte>(v);
                                         })});
        } else {
          passOver("of an unknown kind");
        }
        continue;
      }
    }
    passOver("a malformed key");
  }
  KJ_IF_MAYBE(error, records.error()) {
    return makeError(error->code, "partition ", partition_->name(), ", batch at offset ", batch.baseOffset(), ": ",
                     error->message);
  }
  return kj::mv(changes);
}

}  // namespace cambium
