#include "engine/metadata/local_metadata.h"

#include <kj/debug.h>

#include "engine/base/byte_cursor.h"
#include "engine/base/coroutine.h"
#include "engine/base/wait_list.h"

namespace cambium {

namespace {

constexpr kj::StringPtr kTable = "metadata"_kj;

kj::Array<kj::byte> encodeRow(Revision revision, ByteView value) {
  ByteWriter row(8 + value.size());
  row.int64(revision.value());
  row.bytes(value);
  return row.finish();
}

bool startsWith(const std::string& key, kj::StringPtr prefix) {
  return key.size() >= prefix.size() && key.compare(0, prefix.size(), prefix.cStr()) == 0;
}

}  // namespace

class LocalMetadata::Watch final : public MetadataWatch {
 public:
  Watch(LocalMetadata& store, kj::String prefix) : store_(store), prefix_(kj::mv(prefix)) {
    store_.watches_.push_back(this);
  }
  ~Watch() noexcept(false) override { store_.watches_.remove(this); }

  kj::Promise<kj::Vector<MetadataChange>> next() override {
    while (changes_.size() == 0)
      co_await news_.wait();
    auto all = kj::mv(changes_);
    changes_ = kj::Vector<MetadataChange>();
    co_return kj::mv(all);
  }

  void see(const MetadataTransaction& transaction, Revision revision) {
    MetadataChange change{revision, {}};
    for (auto& write : transaction.writes) {
      if (!write.key.startsWith(prefix_)) continue;
      kj::Maybe<kj::Array<kj::byte>> value;
      KJ_IF_MAYBE(v, write.value) value = kj::heapArray<kj::byte>(*v);
      change.writes.add(MetadataTransaction::Write{kj::str(write.key), kj::mv(value)});
    }
    changes_.add(kj::mv(change));
    news_.wakeAll();
  }

 private:
  LocalMetadata& store_;
  kj::String prefix_;
  kj::Vector<MetadataChange> changes_;
  WaitList news_;
};

LocalMetadata::LocalMetadata(StorageEngine& engine, WorkPool& pool)
    : engine_(engine), pool_(pool), turn_(kj::Promise<void>(kj::READY_NOW).fork()) {
  engine_.scan(kTable, nullptr, [&](ByteView key, ByteView row) {
    KJ_REQUIRE(row.size() >= 8, "a row of the metadata table is too short; nothing was changed", key.size());
    Revision revision(loadBigEndian<int64_t>(row.begin()));
    if (key.size() == 0) {
      last_ = revision;
    } else {
      entries_.emplace(std::string(reinterpret_cast<const char*>(key.begin()), key.size()),
                       Stored{kj::heapArray<kj::byte>(row.slice(8, row.size())), revision});
    }
    return true;
  });
}

LocalMetadata::~LocalMetadata() noexcept(false) {}

kj::Maybe<kj::String> LocalMetadata::whyBroken() const {
  return broken_.map([](const kj::String& reason) {
    return kj::str(
        "the metadata table could not be written, and no topic can be changed until the broker is started again: ",
        reason);
  });
}

void LocalMetadata::requireUsable() const {
  KJ_IF_MAYBE(reason, whyBroken()) {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::mv(*reason)));
  }
}

kj::Promise<kj::Maybe<MetadataEntry>> LocalMetadata::get(kj::String key) {
  auto found = entries_.find(key.cStr());
  if (found == entries_.end()) return kj::Maybe<MetadataEntry>();
  return kj::Maybe<MetadataEntry>(
      MetadataEntry{kj::mv(key), kj::heapArray<kj::byte>(found->second.value), found->second.changedAt});
}

kj::Promise<kj::Vector<MetadataEntry>> LocalMetadata::list(kj::String prefix) {
  kj::Vector<MetadataEntry> found;
  for (auto at = entries_.lower_bound(prefix.cStr()); at != entries_.end() && startsWith(at->first, prefix); ++at) {
    found.add(
        MetadataEntry{kj::str(at->first.c_str()), kj::heapArray<kj::byte>(at->second.value), at->second.changedAt});
  }
  return kj::mv(found);
}

kj::Own<MetadataWatch> LocalMetadata::watch(kj::String prefix) {
  return kj::heap<Watch>(*this, kj::mv(prefix));
}

kj::Promise<kj::Maybe<Revision>> LocalMetadata::commit(MetadataTransaction transaction) {
  // A queue of one: each commit begins when the one before it has ended, however that ended.
  auto mine =
      turn_.addBranch()
          .then([this, transaction = kj::mv(transaction)]() mutable { return commitAlone(kj::mv(transaction)); })
          .fork();
  turn_ = mine.addBranch().then([](kj::Maybe<Revision>) {}, [](kj::Exception&&) {}).eagerlyEvaluate(nullptr).fork();
  return mine.addBranch();
}

kj::Promise<kj::Maybe<Revision>> LocalMetadata::commitAlone(MetadataTransaction transaction) {
  requireUsable();
  if (!holds(transaction)) co_return kj::Maybe<Revision>();
  Revision revision = last_ + 1;

  // The pool's thread owns all it reads.
  struct Rows {
    kj::Vector<kj::String> keys;
    kj::Vector<kj::Maybe<kj::Array<kj::byte>>> values;
  };
  auto rows = kj::heap<Rows>();
  for (auto& write : transaction.writes) {
    KJ_REQUIRE(write.key.size() > 0, "metadata keys are not empty");
    rows->keys.add(kj::str(write.key));
    KJ_IF_MAYBE(value, write.value) {
      rows->values.add(encodeRow(revision, *value));
    } else {
      rows->values.add(nullptr);
    }
  }
  rows->keys.add(kj::str());
  rows->values.add(encodeRow(revision, nullptr));
  try {
    co_await pool_.run([&engine = engine_, rows = kj::mv(rows)]() mutable {
      kj::Vector<TableChange> changes;
      for (size_t i = 0; i < rows->keys.size(); ++i) {
        kj::Maybe<ByteView> value;
        KJ_IF_MAYBE(v, rows->values[i]) value = v->asPtr().asConst();
        changes.add(TableChange{kTable, rows->keys[i].asBytes(), value});
      }
      engine.commit(changes);
    });
  } catch (const kj::Exception& exception) {
    if (exception.getType() != kj::Exception::Type::OVERLOADED) broken_ = kj::str(exception.getDescription());
    throw;
  }
  apply(transaction, revision);
  co_return kj::Maybe<Revision>(revision);
}

bool LocalMetadata::holds(const MetadataTransaction& transaction) const {
  for (auto& condition : transaction.conditions) {
    auto found = entries_.find(condition.key.cStr());
    Revision is = found == entries_.end() ? Revision(0) : found->second.changedAt;
    if (is != condition.changedAt) return false;
  }
  return true;
}

void LocalMetadata::apply(const MetadataTransaction& transaction, Revision revision) {
  last_ = revision;
  for (auto& write : transaction.writes) {
    KJ_IF_MAYBE(value, write.value) {
      entries_.insert_or_assign(std::string(write.key.cStr()), Stored{kj::heapArray<kj::byte>(*value), revision});
    } else {
      entries_.erase(std::string(write.key.cStr()));
    }
  }
  for (auto* watch : watches_)
    watch->see(transaction, revision);
}

}  // namespace cambium
