#include "engine/metadata/topic_records.h"

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

// Of one commit that raises leader epochs.
constexpr size_t kRaisedTopicsMax = 1000;
constexpr size_t kRaisedBytes = size_t{1} << 20;

}  // namespace

kj::String topicKey(kj::StringPtr name) {
  return kj::str(kTopicRecords, name);
}

kj::String deletionKey(const Uuid& id) {
  return kj::str(kDeletionRecords, id);
}

MetadataTransaction::Write putTopic(kj::String key, const Topic& topic) {
  return {kj::mv(key), topic.encode()};
}

kj::Promise<Result<kj::Own<const Topic>>> loadTopic(MetadataStore& store, kj::String name) {
  using Loaded = Result<kj::Own<const Topic>>;
  auto entry = co_await store.get(topicKey(name));
  KJ_IF_MAYBE(found, entry) co_return Loaded(Topic::decode(found->value, found->changedAt));
  co_return Loaded(makeError(ErrorCode::kUnknownTopicOrPartition, "there is no topic named ", name));
}

namespace {

Topic::Spec inNextEpoch(const Topic& topic) {
  auto spec = topic.copySpec();
  for (auto& partition : spec.partitions)
    partition.leaderEpoch += 1;
  return spec;
}

}  // namespace

kj::Promise<void> raiseLeaderEpochs(MetadataStore& store) {
  auto entries = co_await store.list(kj::str(kTopicRecords));
  for (size_t at = 0; at < entries.size();) {
    MetadataTransaction transaction;
    kj::Vector<kj::String> names;
    size_t bytes = 0;
    for (; at < entries.size() && transaction.writes.size() < kRaisedTopicsMax && bytes < kRaisedBytes; ++at) {
      auto& entry = entries[at];
      auto topic = Topic::decode(entry.value, entry.changedAt);
      auto raised = kj::atomicRefcounted<const Topic>(inNextEpoch(*topic), Revision(0));
      names.add(kj::str(topic->name()));
      transaction.conditions.add(MetadataTransaction::Condition{kj::str(entry.key), entry.changedAt});
      transaction.writes.add(putTopic(kj::mv(entry.key), *raised));
      bytes += entry.value.size();
    }
    auto committed = co_await store.commit(kj::mv(transaction));
    if (committed != nullptr) continue;
    // Somebody has changed one of them meanwhile: each by itself. One that was deleted is not there to be raised.
    for (auto& name : names) {
      auto raise = [](const Topic& now) -> Result<kj::Maybe<Topic::Spec>> {
        return kj::Maybe<Topic::Spec>(inNextEpoch(now));
      };
      co_await changeTopic(store, kj::mv(name), raise).ignoreResult();
    }
  }
}

kj::Promise<Result<kj::Maybe<Revision>>> changeTopic(MetadataStore& store, kj::String name, TopicChange change) {
  using Changed = Result<kj::Maybe<Revision>>;
  for (;;) {
    auto loaded = co_await loadTopic(store, kj::str(name));
    if (!loaded.ok()) co_return Changed(kj::mv(loaded.error()));
    auto& before = *loaded.value();
    auto next = change(before);
    if (!next.ok()) co_return Changed(kj::mv(next.error()));
    if (next.value() == nullptr) co_return Changed(kj::Maybe<Revision>(nullptr));
    auto after = kj::atomicRefcounted<const Topic>(kj::mv(KJ_ASSERT_NONNULL(next.value())), Revision(0));
    MetadataTransaction transaction;
    transaction.conditions.add(MetadataTransaction::Condition{topicKey(name), before.revision()});
    transaction.writes.add(putTopic(topicKey(name), *after));
    auto committed = co_await store.commit(kj::mv(transaction));
    // Null: somebody else was quicker, so there is progress, and another try.
    if (committed != nullptr) co_return Changed(kj::mv(committed));
  }
}

}  // namespace cambium
