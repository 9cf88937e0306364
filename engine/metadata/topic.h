#pragma once

#include <kj/refcount.h>

#include "engine/base/uuid.h"
#include "engine/metadata/metadata_store.h"
#include "engine/metadata/topic_config.h"
#include "engine/metadata/topic_name.h"
#include "engine/storage/storage_engine.h"

namespace cambium {

struct PartitionAssignment {
  LeaderEpoch leaderEpoch{0};
  // That holds the log in charge. Empty in a Spec: the topic's.
  kj::String engine{};
  // That may hold another log of the partition, made or left behind by a move; empty: none. Never the same as `engine`.
  kj::String otherEngine{};

  PartitionAssignment clone() const { return {leaderEpoch, kj::str(engine), kj::str(otherEngine)}; }
};

// A topic as the metadata store holds it. Immutable: a change makes a new one. Any thread.
class Topic final : public kj::AtomicRefcounted {
 public:
  struct Spec {
    kj::String name;
    Uuid id;
    kj::Vector<PartitionAssignment> partitions;  // by index
    kj::Vector<ConfigSetting> settings;          // only what differs from the defaults, sorted by name
    TimestampMs createdAt;
    kj::String engine;  // "native" or "rocksdb": where the logs belong
    uint32_t moveAttempt = 0;
  };

  // Requires settings that makeTopicConfig accepts. `revision` is when the store last changed it; 0 when it is not
  // stored yet.
  Topic(Spec spec, Revision revision);

  // From and to the value of the store (schema/metadata.capnp, TopicRecord). Decoding throws when the bytes are no
  // topic.
  static kj::Own<const Topic> decode(ByteView value, Revision revision);
  kj::Array<kj::byte> encode() const;

  kj::StringPtr name() const { return spec_.name; }
  bool isInternal() const { return isInternalTopic(spec_.name); }
  const Uuid& id() const { return spec_.id; }
  int32_t partitionCount() const { return static_cast<int32_t>(spec_.partitions.size()); }
  const PartitionAssignment& partition(int32_t index) const { return spec_.partitions[static_cast<size_t>(index)]; }
  kj::ArrayPtr<const ConfigSetting> settings() const { return spec_.settings; }
  const TopicConfig& config() const { return config_; }
  TimestampMs createdAt() const { return spec_.createdAt; }
  // Where the logs belong, and where new partitions are made. A partition whose log is elsewhere is on its way there.
  kj::StringPtr engine() const { return spec_.engine; }
  // Grows whenever somebody asks for a move.
  uint32_t moveAttempt() const { return spec_.moveAttempt; }
  Revision revision() const { return revision_; }

  // A copy to change and make a new Topic of.
  Spec copySpec() const;
  // The log of one partition.
  LogId logId(int32_t partition) const;

 private:
  Spec spec_;
  TopicConfig config_;
  Revision revision_;
};

}  // namespace cambium
