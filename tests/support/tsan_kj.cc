// Only in programs built with ThreadSanitizer: kj's atomic reference count as Debian's libkj has it, compiled where the
// detector sees it. Without this it takes every last release of a shared object for a race with those who used it
// before. The program's definition goes before the library's.

#include <kj/refcount.h>

namespace kj {

void AtomicRefcounted::disposeImpl(void* pointer) const {
  if (__atomic_sub_fetch(&refcount, 1, __ATOMIC_ACQ_REL) == 0) delete this;
}

}  // namespace kj
