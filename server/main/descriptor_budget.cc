#include "server/main/descriptor_budget.h"

#include <algorithm>

namespace cambium {

namespace {

constexpr size_t kEngines = 2;
constexpr size_t kDoors = 2;
constexpr size_t kFilesMin = 32;
constexpr size_t kFilesMax = 8192;
constexpr size_t kConnectionsMin = 4;
constexpr size_t kHttpMax = 64;
// Standard streams, locks, write-ahead logs, manifests, folders being synced; and what each loop has for itself.
constexpr size_t kFixed = 24;
constexpr size_t kFixedPerLoop = 8;

}  // namespace

DescriptorBudget divideDescriptors(size_t limit, unsigned loops, size_t filesPerEngine) {
  size_t count = std::max(loops, 1u);
  size_t files = filesPerEngine > 0 ? filesPerEngine : limit / 4;
  files = std::max(kFilesMin, filesPerEngine > 0 ? files : std::min(files, kFilesMax));
  size_t http = std::clamp(limit / 32, kConnectionsMin, kHttpMax);
  size_t taken = kEngines * files + http + kFixed + kFixedPerLoop * count;
  size_t left = limit > taken ? limit - taken : 0;
  return {files, std::max(kConnectionsMin, left / (kDoors * count)), http};
}

}  // namespace cambium
