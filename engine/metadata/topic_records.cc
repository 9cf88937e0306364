#include "engine/metadata/topic_records.h"

#include "engine/base/coroutine.h"

namespace cambium {

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
