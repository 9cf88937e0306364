#include "engine/group/offset_store.h"

#include <cstring>
#include <set>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/debug.h>
#include <kj/encoding.h>

#include "engine/base/coroutine.h"
#include "schema/metadata.capnp.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kTable = "offsets"_kj;

kj::Array<kj::byte> encode(const CommittedOffset& offset) {
  capnp::MallocMessageBuilder message;
  auto record = message.initRoot<persisted::OffsetRecord>();
  record.setOffset(offset.offset.value());
  record.setLeaderEpoch(offset.leaderEpoch.value());
  record.setMetadata(offset.metadata);
  record.setCommittedAt(offset.committedAt.value());
  return kj::heapArray<kj::byte>(capnp::messageToFlatArray(message).asBytes());
}

CommittedOffset decode(ByteView value) {
  KJ_REQUIRE(value.size() % sizeof(capnp::word) == 0 && value.size() > 0, "offset record of odd size", value.size());
  auto words = kj::heapArray<capnp::word>(value.size() / sizeof(capnp::word));
  memcpy(words.begin(), value.begin(), value.size());
  capnp::FlatArrayMessageReader message(words);
  auto record = message.getRoot<persisted::OffsetRecord>();
  return {Offset(record.getOffset()), LeaderEpoch(record.getLeaderEpoch()), kj::str(record.getMetadata()),
          TimestampMs(record.getCommittedAt())};
}

// What one write carries to the pool's thread.
struct Rows {
  kj::Vector<kj::Array<kj::byte>> keys;
  kj::Vector<kj::Maybe<kj::Array<kj::byte>>> values;

  void add(const OffsetChange& change) {
    keys.add(encodeOffsetKey(change.key));
    KJ_IF_MAYBE(offset, change.offset) {
      values.add(encode(*offset));
    } else {
      values.add(nullptr);
    }
  }
  void commitTo(StorageEngine& engine) {
    kj::Vector<TableChange> changes(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      kj::Maybe<ByteView> value;
      KJ_IF_MAYBE(v, values[i]) value = v->asPtr().asConst();
      changes.add(TableChange{kTable, keys[i], value});
    }
    engine.commit(changes);
  }
};

}  // namespace

OffsetStore::OffsetStore(StorageEngine& engine, WorkPool& pool, const Clock& clock)
    : engine_(engine), pool_(pool), clock_(clock) {
  engine_.scan(kTable, nullptr, [&](ByteView key, ByteView value) {
    KJ_IF_MAYBE(decoded, decodeOffsetKey(key)) {
      offsets_.emplace(kj::mv(*decoded), decode(value));
    } else {
      KJ_FAIL_REQUIRE("a key of the offsets table is malformed; nothing was changed", kj::encodeHex(key));
    }
    return true;
  });
}

void OffsetStore::TaskErrors::taskFailed(kj::Exception&& exception) {
  KJ_LOG(ERROR, "offset store", exception);
}

kj::Promise<Result<void>> OffsetStore::commit(kj::Vector<OffsetChange> changes) {
  TimestampMs now = clock_.now();
  for (auto& change : changes) {
    if (change.key.group.size() > kOffsetKeyNameBytesMax || change.key.topic.size() > kOffsetKeyNameBytesMax) {
      return Result<void>(makeError(ErrorCode::kInvalidRequest, "a group or topic name of ",
                                    kj::max(change.key.group.size(), change.key.topic.size()),
                                    " bytes has no offsets; at most ", kOffsetKeyNameBytesMax, " are possible"));
    }
    KJ_IF_MAYBE(offset, change.offset) offset->committedAt = now;
  }
  if (changes.size() == 0) return Result<void>();
  return enqueue(kj::mv(changes), nullptr);
}

kj::Promise<Result<void>> OffsetStore::forgetTopic(std::string topic) {
  return enqueue({}, kj::mv(topic));
}

kj::Promise<Result<void>> OffsetStore::enqueue(kj::Vector<OffsetChange> changes,
                                               kj::Maybe<std::string> forgottenTopic) {
  auto paf = kj::newPromiseAndFulfiller<Result<void>>();
  waiting_.add(Waiting{kj::mv(changes), kj::mv(forgottenTopic), kj::mv(paf.fulfiller)});
  if (!writing_) {
    writing_ = true;
    tasks_.add(writeAll());
  }
  return kj::mv(paf.promise);
}

kj::Promise<void> OffsetStore::writeAll() {
  // Whatever else this turn of the loop brings joins the first write.
  co_await kj::evalLast([] {});
  while (waiting_.size() > 0) {
    auto batch = kj::mv(waiting_);
    waiting_ = kj::Vector<Waiting>();
    findForgotten(batch);
    dropNeedless(batch);
    auto written = co_await write(batch);
    for (auto& waiting : batch) {
      if (written.ok()) {
        apply(waiting.changes);
        waiting.done->fulfill(Result<void>());
      } else {
        waiting.done->fulfill(written.error().clone());
      }
    }
  }
  writing_ = false;
}

// What was committed for a topic that is forgotten: what is known, and what goes before it in the same write.
void OffsetStore::findForgotten(kj::ArrayPtr<Waiting> batch) const {
  for (size_t i = 0; i < batch.size(); ++i) {
    KJ_IF_MAYBE(topic, batch[i].forgottenTopic) {
      kj::Vector<OffsetChange> changes;
      for (auto& [key, offset] : offsets_) {
        if (key.topic == *topic) changes.add(OffsetChange{key, nullptr});
      }
      for (auto& earlier : batch.slice(0, i)) {
        for (auto& change : earlier.changes) {
          if (change.key.topic == *topic) changes.add(OffsetChange{change.key, nullptr});
        }
      }
      batch[i].changes = kj::mv(changes);
    }
  }
}

// Deletions of what is neither there nor set by the same write need no row.
void OffsetStore::dropNeedless(kj::ArrayPtr<Waiting> batch) const {
  std::set<OffsetKey> set;
  for (auto& waiting : batch) {
    kj::Vector<OffsetChange> kept(waiting.changes.size());
    for (auto& change : waiting.changes) {
      if (change.offset != nullptr) {
        set.insert(change.key);
      } else if (set.count(change.key) == 0 && offsets_.count(change.key) == 0) {
        continue;
      }
      kept.add(kj::mv(change));
    }
    waiting.changes = kj::mv(kept);
  }
}

kj::Promise<Result<void>> OffsetStore::write(kj::ArrayPtr<const Waiting> batch) {
  auto failed = [](kj::StringPtr reason) {
    return makeError(ErrorCode::kStorageError, "the offsets table failed (", reason, "); restart the broker");
  };
  KJ_IF_MAYBE(reason, broken_) co_return Result<void>(failed(*reason));
  auto rows = kj::heap<Rows>();
  for (auto& waiting : batch) {
    for (auto& change : waiting.changes)
      rows->add(change);
  }
  if (rows->keys.size() == 0) co_return Result<void>();
  try {
    co_await pool_.run([&engine = engine_, rows = kj::mv(rows)]() mutable { rows->commitTo(engine); });
  } catch (const kj::Exception& exception) {
    if (exception.getType() == kj::Exception::Type::OVERLOADED) {
      co_return Result<void>(makeError(ErrorCode::kStorageError,
                                       "offsets cannot be committed: ", exception.getDescription(),
                                       "; nothing was changed, free some space and try again"));
    }
    KJ_LOG(ERROR, "writing committed offsets failed", exception);
    broken_ = kj::str(exception.getDescription());
    co_return Result<void>(failed(exception.getDescription()));
  }
  co_return Result<void>();
}

void OffsetStore::apply(kj::ArrayPtr<OffsetChange> changes) {
  for (auto& change : changes) {
    KJ_IF_MAYBE(offset, change.offset) {
      offsets_.insert_or_assign(kj::mv(change.key), kj::mv(*offset));
    } else {
      offsets_.erase(change.key);
    }
  }
}

CommittedOffset OffsetStore::fetch(const OffsetKey& key) const {
  auto found = offsets_.find(key);
  return found == offsets_.end() ? CommittedOffset() : found->second.clone();
}

kj::Vector<OffsetChange> OffsetStore::fetchGroup(const std::string& group) const {
  kj::Vector<OffsetChange> all;
  for (auto at = offsets_.lower_bound({group, "", 0}); at != offsets_.end() && at->first.group == group; ++at) {
    all.add(OffsetChange{at->first, at->second.clone()});
  }
  return all;
}

kj::Vector<kj::String> OffsetStore::groups() const {
  kj::Vector<kj::String> all;
  for (auto at = offsets_.begin(); at != offsets_.end();) {
    all.add(kj::str(at->first.group.c_str()));
    // Straight to the next group: its name is greater than this one's with a zero byte behind.
    at = offsets_.lower_bound({at->first.group + '\0', "", 0});
  }
  return all;
}

}  // namespace cambium
