#include "engine/metadata/metadata_image.h"

#include <algorithm>

namespace cambium {

MetadataImage::MetadataImage(Revision revision, kj::Vector<kj::Own<const Topic>> topicsSortedByName)
    : revision_(revision), topics_(kj::mv(topicsSortedByName)) {
  byId_.reserve(topics_.size());
  for (auto& topic : topics_)
    byId_.emplace(topic->id(), topic.get());
}

kj::Maybe<const Topic&> MetadataImage::find(const Uuid& id) const {
  auto found = byId_.find(id);
  if (found == byId_.end()) return nullptr;
  return *found->second;
}

kj::Maybe<const Topic&> MetadataImage::find(kj::StringPtr name) const {
  auto at = std::lower_bound(topics_.begin(), topics_.end(), name,
                             [](const kj::Own<const Topic>& topic, kj::StringPtr n) { return topic->name() < n; });
  if (at == topics_.end() || (*at)->name() != name) return nullptr;
  return **at;
}

kj::Own<const MetadataImage> MetadataImage::with(Revision revision, kj::StringPtr name,
                                                 kj::Maybe<kj::Own<const Topic>> topic) const {
  kj::Vector<kj::Own<const Topic>> next(topics_.size() + 1);
  bool placed = false;
  auto place = [&] {
    KJ_IF_MAYBE(t, topic) next.add(kj::mv(*t));
    placed = true;
  };
  for (auto& existing : topics_) {
    if (!placed && name <= existing->name()) place();
    if (existing->name() != name) next.add(kj::atomicAddRef(*existing));
  }
  if (!placed) place();
  return kj::atomicRefcounted<const MetadataImage>(revision, kj::mv(next));
}

}  // namespace cambium
