#pragma once

#include <unordered_map>

#include <kj/refcount.h>

#include "engine/metadata/topic.h"

namespace cambium {

// All topics at one revision. Immutable, shared between the loops: each holds the image it has caught up with.
class MetadataImage final : public kj::AtomicRefcounted {
 public:
  MetadataImage(Revision revision, kj::Vector<kj::Own<const Topic>> topicsSortedByName);

  Revision revision() const { return revision_; }
  kj::Maybe<const Topic&> find(kj::StringPtr name) const;
  kj::Maybe<const Topic&> find(const Uuid& id) const;
  // Sorted by name.
  kj::ArrayPtr<const kj::Own<const Topic>> topics() const { return topics_; }

  // The image after a topic was put (replacing one of the same name) or, with null, removed.
  kj::Own<const MetadataImage> with(Revision revision, kj::StringPtr name, kj::Maybe<kj::Own<const Topic>> topic) const;

 private:
  Revision revision_;
  kj::Vector<kj::Own<const Topic>> topics_;
  std::unordered_map<Uuid, const Topic*, UuidHash> byId_;
};

}  // namespace cambium
