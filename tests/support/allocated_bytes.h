#pragma once

#include <cstdint>
#include <malloc.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CAMBIUM_SANITIZED_ALLOCATOR 1
#include <sanitizer/allocator_interface.h>
#endif
#endif

namespace cambium {

// What the process has allocated and not freed, on all threads. A sanitizer's allocator counts what was asked for, the
// C library's what it takes for that.
inline int64_t allocatedBytes() {
#if defined(CAMBIUM_SANITIZED_ALLOCATOR)
  return static_cast<int64_t>(__sanitizer_get_current_allocated_bytes());
#else
  auto all = mallinfo2();
  return static_cast<int64_t>(all.uordblks + all.hblkhd);
#endif
}

}  // namespace cambium
