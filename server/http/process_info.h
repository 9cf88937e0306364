#pragma once

#include <cstdint>

namespace cambium {

struct ProcessFacts {
  uint64_t residentBytes = 0;  // the next two together
  uint64_t ownBytes = 0;
  uint64_t mappedFileBytes = 0;
  double cpuSeconds = 0;  // user and system, all threads
  uint64_t openFiles = 0;
  uint64_t openFilesMax = 0;
  double startTimeSeconds = 0;  // since 1970-01-01 UTC
};

// What the operating system says of this process. Used on the first loop, which it must not hold up.
class ProcessInfo {
 public:
  virtual ~ProcessInfo() noexcept(false) = default;
  virtual ProcessFacts facts() = 0;
};

}  // namespace cambium
