#include "bench/fresh_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <kj/debug.h>

#include "bench/sample.h"

namespace cambium::bench {

namespace {

constexpr size_t kPieceBytes = size_t{32} << 20;
constexpr size_t kPageBytes = 4096;
// How much more a page that was not used lately costs.
constexpr double kFreshFactor = 2;
// One piece may look fresh by chance.
constexpr unsigned kFreshPieces = 2;

// Processor time of a page, of using each once.
double use(kj::ArrayPtr<kj::byte> pages) {
  Stopwatch watch;
  for (size_t i = 0; i < pages.size(); i += kPageBytes)
    pages[i] = 1;
  return watch.stop(1, 0, 0).cpuSeconds / (static_cast<double>(pages.size()) / kPageBytes);
}

// The same of a page that was given back a moment ago: the system hands out that one again.
double useAgain() {
  constexpr unsigned kTimes = 2000;
  auto page = newPages(kPageBytes);
  Stopwatch watch;
  for (unsigned i = 0; i < kTimes; ++i) {
    page[0] = 1;
    madvise(page.begin(), kPageBytes, MADV_DONTNEED);
  }
  return watch.stop(1, 0, 0).cpuSeconds / kTimes;
}

class PagesDisposer final : public kj::ArrayDisposer {
 public:
  void disposeImpl(void* first, size_t elementSize, size_t count, size_t, void (*)(void*)) const override {
    munmap(first, elementSize * count);
  }
};

}  // namespace

kj::Array<kj::byte> newPages(size_t bytes) {
  static const PagesDisposer disposer;
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  KJ_REQUIRE(pages != MAP_FAILED, "no memory", bytes);
  // Pages as the page cache has them, not huge ones.
  madvise(pages, bytes, MADV_NOHUGEPAGE);
  return kj::Array<kj::byte>(static_cast<kj::byte*>(pages), bytes, disposer);
}

uint64_t FreshMemory::freeBytes() {
  return static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void FreshMemory::takeUsedPages() {
  unsigned fresh = 0;
  while (fresh < kFreshPieces) {
    KJ_REQUIRE(held_.size() * kPieceBytes < heldBytesMax_,
               "no memory that was not used lately; run with memory=recycled");
    auto piece = newPages(kPieceBytes);
    fresh = use(piece) > kFreshFactor * useAgain() ? fresh + 1 : 0;
    held_.add(kj::mv(piece));
  }
}

}  // namespace cambium::bench
