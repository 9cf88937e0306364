#include "engine/group/group_tables.h"

#include <cstring>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/debug.h>
#include <kj/encoding.h>

#include "schema/metadata.capnp.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kOffsets = "offsets"_kj;
constexpr kj::StringPtr kGroups = "groups"_kj;
constexpr kj::StringPtr kPositions = "group_positions"_kj;

template <class Fill>
kj::Array<kj::byte> encodeMessage(Fill fill) {
  capnp::MallocMessageBuilder message;
  fill(message);
  return kj::heapArray<kj::byte>(capnp::messageToFlatArray(message).asBytes());
}

// Gives `use` a reader of the message; throws when the bytes are none.
template <class Use>
auto decodeMessage(ByteView value, Use use) {
  KJ_REQUIRE(value.size() % sizeof(capnp::word) == 0 && value.size() > 0, "a row of odd size", value.size());
  auto words = kj::heapArray<capnp::word>(value.size() / sizeof(capnp::word));
  memcpy(words.begin(), value.begin(), value.size());
  capnp::FlatArrayMessageReader message(words);
  return use(message);
}

kj::Array<kj::byte> encodeOffset(const CommittedOffset& offset) {
  return encodeMessage([&](capnp::MessageBuilder& message) {
    auto record = message.initRoot<persisted::OffsetRecord>();
    record.setOffset(offset.offset.value());
    record.setLeaderEpoch(offset.leaderEpoch.value());
    record.setMetadata(offset.metadata);
    record.setCommittedAt(offset.committedAt.value());
  });
}

CommittedOffset decodeOffset(ByteView value) {
  return decodeMessage(value, [](capnp::MessageReader& message) {
    auto record = message.getRoot<persisted::OffsetRecord>();
    return CommittedOffset{Offset(record.getOffset()), LeaderEpoch(record.getLeaderEpoch()),
                           kj::str(record.getMetadata()), TimestampMs(record.getCommittedAt())};
  });
}

kj::Array<kj::byte> encodePosition(const GroupRows::Position& position) {
  return encodeMessage([&](capnp::MessageBuilder& message) {
    auto record = message.initRoot<persisted::PositionRecord>();
    record.setTopic(position.topic.bytes());
    record.setUpTo(position.upTo.value());
  });
}

GroupRows::Position decodePosition(ByteView value) {
  return decodeMessage(value, [](capnp::MessageReader& message) {
    auto record = message.getRoot<persisted::PositionRecord>();
    return GroupRows::Position{Uuid::fromBytes(record.getTopic()), Offset(record.getUpTo())};
  });
}

kj::Array<kj::byte> bytesOf(const std::string& text) {
  return kj::heapArray<kj::byte>(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}

// Reads the three tables; what makes no sense goes onto a list.
class RowReader {
 public:
  explicit RowReader(int32_t partitions) { rows_.resize(static_cast<size_t>(partitions)); }

  void readOffset(ByteView key, ByteView value) {
    guarded(kOffsets, key, [&] {
      auto decoded = KJ_REQUIRE_NONNULL(decodeOffsetKey(key), "a malformed key");
      auto offset = decodeOffset(value);
      auto& rows = of(decoded.group);
      rows.offsets.emplace(kj::mv(decoded), kj::mv(offset));
    });
  }
  void readGroup(ByteView key, ByteView value) {
    std::string group(reinterpret_cast<const char*>(key.begin()), key.size());
    of(group).groups.emplace(group, kj::heapArray<const kj::byte>(value));
  }
  void readPosition(ByteView key, ByteView value) {
    guarded(kPositions, key, [&] {
      KJ_REQUIRE(key.size() == sizeof(int32_t), "a malformed key");
      auto partition = static_cast<uint32_t>(loadBigEndian<int32_t>(key.begin()));
      auto position = decodePosition(value);
      if (partition < rows_.size()) rows_[partition].position = position;
    });
  }
  kj::Vector<GroupRows> finish(StorageEngine& engine) {
    if (damaged_.size() == 0) return kj::mv(rows_);
    for (auto& rows : rows_)
      rows.position = nullptr;
    kj::Vector<TableChange> removals;
    for (auto& row : damaged_)
      removals.add(TableChange{row.table, row.key, nullptr});
    engine.commit(removals);
    return kj::mv(rows_);
  }

 private:
  struct Damaged {
    kj::StringPtr table;
    kj::Array<kj::byte> key;
  };

  GroupRows& of(const std::string& group) {
    kj::StringPtr name(group.c_str(), group.size());
    return rows_[static_cast<size_t>(partitionOfGroup(name, static_cast<int32_t>(rows_.size())))];
  }
  template <class Read>
  void guarded(kj::StringPtr table, ByteView key, Read read) {
    KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { read(); })) {
      KJ_LOG(ERROR, "a row of a table is damaged; it is made anew from __consumer_offsets", table, kj::encodeHex(key),
             exception->getDescription());
      damaged_.add(Damaged{table, kj::heapArray<kj::byte>(key)});
    }
  }

  kj::Vector<GroupRows> rows_;
  kj::Vector<Damaged> damaged_;
};

}  // namespace

int32_t partitionOfGroup(kj::StringPtr group, int32_t partitions) {
  uint32_t hash = 0;
  for (char16_t unit : kj::encodeUtf16(group))
    hash = hash * 31 + unit;
  auto value = static_cast<int32_t>(hash);
  // Java's Math.abs leaves the smallest integer as it is; Kafka takes 0 there.
  if (value == INT32_MIN) return 0;
  return (value < 0 ? -value : value) % partitions;
}

kj::Vector<GroupRows> readGroupRows(StorageEngine& engine, int32_t partitions) {
  RowReader reader(partitions);
  engine.scan(kOffsets, nullptr, [&](ByteView key, ByteView value) {
    reader.readOffset(key, value);
    return true;
  });
  engine.scan(kGroups, nullptr, [&](ByteView key, ByteView value) {
    reader.readGroup(key, value);
    return true;
  });
  engine.scan(kPositions, nullptr, [&](ByteView key, ByteView value) {
    reader.readPosition(key, value);
    return true;
  });
  return reader.finish(engine);
}

bool haveOffsetRows(StorageEngine& engine) {
  bool any = false;
  engine.scan(kOffsets, nullptr, [&](ByteView, ByteView) {
    any = true;
    return false;
  });
  return any;
}

void GroupRowChanges::put(const OffsetKey& key, kj::Maybe<const CommittedOffset&> offset) {
  kj::Maybe<kj::Array<kj::byte>> value;
  KJ_IF_MAYBE(o, offset) value = encodeOffset(*o);
  rows_.add(Row{kOffsets, encodeOffsetKey(key), kj::mv(value)});
}

void GroupRowChanges::put(const std::string& group, kj::Maybe<ByteView> value) {
  rows_.add(Row{kGroups, bytesOf(group), value.map([](ByteView v) { return kj::heapArray<kj::byte>(v); })});
}

void GroupRowChanges::put(int32_t partition, const GroupRows::Position& position) {
  auto key = kj::heapArray<kj::byte>(sizeof(int32_t));
  storeBigEndian(key.begin(), partition);
  rows_.add(Row{kPositions, kj::mv(key), encodePosition(position)});
}

void GroupRowChanges::commitTo(StorageEngine& engine) const {
  kj::Vector<TableChange> changes(rows_.size());
  for (auto& row : rows_) {
    kj::Maybe<ByteView> value;
    KJ_IF_MAYBE(v, row.value) value = v->asPtr();
    changes.add(TableChange{row.table, row.key, value});
  }
  engine.commit(changes);
}

}  // namespace cambium
