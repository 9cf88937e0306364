#pragma once

#include <string>
#include <unordered_map>

#include <kj/refcount.h>

namespace cambium {

// How many bytes of metadata the offsets of each group have, those of commits under way included. One loop.
class MetadataBytes final : public kj::Refcounted {
 public:
  size_t of(const std::string& group) const {
    auto found = counts_.find(group);
    return found == counts_.end() ? 0 : found->second;
  }
  void add(const std::string& group, size_t bytes) {
    if (bytes > 0) counts_[group] += bytes;
  }
  // Requires that so many were added.
  void remove(const std::string& group, size_t bytes) {
    if (bytes == 0) return;
    auto found = counts_.find(group);
    found->second -= bytes;
    if (found->second == 0) counts_.erase(found);
  }

  // Counts the bytes of a commit until it goes, which may be later than the coordinator.
  class Lease {
   public:
    Lease(MetadataBytes& all, std::string group, size_t bytes)
        : all_(kj::addRef(all)), group_(kj::mv(group)), bytes_(bytes) {
      all_->add(group_, bytes_);
    }
    ~Lease() noexcept(false) { all_->remove(group_, bytes_); }
    KJ_DISALLOW_COPY(Lease);

   private:
    kj::Own<MetadataBytes> all_;
    const std::string group_;
    const size_t bytes_;
  };

 private:
  std::unordered_map<std::string, size_t> counts_;
};

}  // namespace cambium
