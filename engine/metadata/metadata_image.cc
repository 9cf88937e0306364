#include "engine/metadata/metadata_image.h"

#include <algorithm>

namespace cambium {

MetadataImage::MetadataImage(Revision revision, kj::Vector<kj::Own<const Topic>> topicsSortedByName)
    : revision_(revision), topics_(Topics::ofSorted(topicsSortedByName)) {
  for (auto& topic : topicsSortedByName)
    partitionTotal_ += topic->partitionCount();
  std::sort(topicsSortedByName.begin(), topicsSortedByName.end(),
            [](const kj::Own<const Topic>& a, const kj::Own<const Topic>& b) { return a->id() < b->id(); });
  byId_ = TopicsById::ofSorted(topicsSortedByName);
}

kj::Own<const MetadataImage> MetadataImage::with(Revision revision, kj::StringPtr name,
                                                 kj::Maybe<kj::Own<const Topic>> topic) const {
  auto total = partitionTotal_;
  auto byId = byId_.share();
  KJ_IF_MAYBE(before, find(name)) {
    total -= before->partitionCount();
    byId = byId.without(before->id());
  }
  KJ_IF_MAYBE(after, topic) {
    total += (*after)->partitionCount();
    byId = byId.with(kj::atomicAddRef(**after));
    return kj::atomicRefcounted<const MetadataImage>(revision, topics_.with(kj::mv(*after)), kj::mv(byId), total);
  }
  return kj::atomicRefcounted<const MetadataImage>(revision, topics_.without(name), kj::mv(byId), total);
}

}  // namespace cambium
