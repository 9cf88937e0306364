#include "bench/fresh_memory.h"

#include <kj/debug.h>

#include "bench/durable_file.h"
#include "bench/sample.h"

namespace cambium::bench {

namespace {

constexpr size_t kPieceBytes = size_t{32} << 20;
constexpr size_t kPageBytes = 4096;
// How much more a page that was not used lately costs.
constexpr double kFreshFactor = 2;
// One piece may look fresh by chance.
constexpr unsigned kFreshPieces = 2;

// Processor time of using each page once.
double use(kj::ArrayPtr<kj::byte> pages) {
  Stopwatch watch;
  for (size_t i = 0; i < pages.size(); i += kPageBytes)
    pages[i] = 1;
  return watch.stop(1, 0, 0).cpuSeconds;
}

}  // namespace

void FreshMemory::takeUsedPages() {
  unsigned fresh = 0;
  while (fresh < kFreshPieces) {
    KJ_REQUIRE(held_.size() * kPieceBytes < kHeldBytesMax,
               "no memory that was not used lately; run with memory=recycled");
    auto piece = newPages(kPieceBytes);
    double first = use(piece);
    // The same pages once more, as used as can be.
    piece = nullptr;
    piece = newPages(kPieceBytes);
    double again = use(piece);
    fresh = first > kFreshFactor * again ? fresh + 1 : 0;
    held_.add(kj::mv(piece));
  }
}

}  // namespace cambium::bench
