// The engine beside the model.

#include "tests/contract/random_operations.h"

namespace cambium {
namespace {

TEST_P(LogContract, BehavesAsTheModel) {
  for (uint64_t seed : randomSeeds(GetParam().randomSeeds)) {
    auto subject = GetParam().make();
    runRandomOperations(*subject, seed, 400);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace cambium
