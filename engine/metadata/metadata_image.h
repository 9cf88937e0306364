#pragma once

#include <kj/refcount.h>

#include "engine/base/persistent_map.h"
#include "engine/metadata/topic.h"

namespace cambium {

// Of topics that differ between two images: made, changed or deleted; some may be there twice.
using TopicNames = kj::Array<kj::String>;

// All topics at one revision. Immutable, shared between the loops: each holds the image it has caught up with. What two
// images have in common is there once: a change costs the same with ten topics and with a hundred thousand.
class MetadataImage final : public kj::AtomicRefcounted {
  struct ByName {
    static kj::StringPtr keyOf(const Topic& topic) { return topic.name(); }
  };
  struct ById {
    static const Uuid& keyOf(const Topic& topic) { return topic.id(); }
  };

 public:
  using Topics = PersistentMap<Topic, ByName>;
  using TopicsById = PersistentMap<Topic, ById>;

  MetadataImage(Revision revision, kj::Vector<kj::Own<const Topic>> topicsSortedByName);
  MetadataImage(Revision revision, Topics topics, TopicsById byId, int64_t partitionTotal)
      : revision_(revision), topics_(kj::mv(topics)), byId_(kj::mv(byId)), partitionTotal_(partitionTotal) {}

  Revision revision() const { return revision_; }
  kj::Maybe<const Topic&> find(kj::StringPtr name) const { return topics_.find(name); }
  kj::Maybe<const Topic&> find(const Uuid& id) const { return byId_.find(id); }
  // Sorted by name.
  const Topics& topics() const { return topics_; }
  int64_t partitionTotal() const { return partitionTotal_; }

  // The image after a topic was put (replacing one of the same name) or, with null, removed.
  kj::Own<const MetadataImage> with(Revision revision, kj::StringPtr name, kj::Maybe<kj::Own<const Topic>> topic) const;

 private:
  Revision revision_;
  Topics topics_;
  TopicsById byId_;
  int64_t partitionTotal_ = 0;
};

}  // namespace cambium
