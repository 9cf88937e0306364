#pragma once

#include "engine/base/error.h"
#include "engine/metadata/metadata_store.h"
#include "engine/metadata/topic.h"

// Topics as records of the metadata store: under which keys, and how they are changed.

namespace cambium {

inline constexpr kj::StringPtr kTopicRecords = "topics/"_kj;
inline constexpr kj::StringPtr kDeletionRecords = "deletions/"_kj;

kj::String topicKey(kj::StringPtr name);
// Of a topic that was deleted and whose logs are not yet all gone.
kj::String deletionKey(const Uuid& id);
MetadataTransaction::Write putTopic(kj::String key, const Topic& topic);

// The topic as the store has it now; kUnknownTopicOrPartition when there is none.
kj::Promise<Result<kj::Own<const Topic>>> loadTopic(MetadataStore& store, kj::String name);

// Raises the leader epochs of all partitions by one: a run of a process never goes on in the epoch of the one before,
// of which a power loss may have taken the last batches, so that their offsets are given again. May be done again after
// a crash or a failure half way. Few commits, each of many topics. Rejects as MetadataStore does.
kj::Promise<void> raiseLeaderEpochs(MetadataStore& store);

// What a change makes of a topic: the next version, null to leave it as it is, or why the change is refused. May be
// asked several times, each time with the newest version.
using TopicChange = kj::Function<Result<kj::Maybe<Topic::Spec>>(const Topic& now)>;

// Changes a topic, whoever else changes it at the same time. Returns the revision that the topic then has; null when it
// was left as it is. kUnknownTopicOrPartition when there is none, and what `change` refuses with. Rejects as
// MetadataStore does.
kj::Promise<Result<kj::Maybe<Revision>>> changeTopic(MetadataStore& store, kj::String name, TopicChange change);

}  // namespace cambium
