#pragma once

#include "tests/contract/log_contract.h"

namespace cambium {

// Does `steps` random things to an engine and to the memory model side by side, and compares everything observable
// after each; the fixture must be empty. A failure is reported to GoogleTest with the seed and the last operations, and
// ends the run. The same seed does the same things.
//
// What an engine may decide is taken from it: after a crash it may have kept more than its durable bound, and the model
// is cut to what it kept; its durable bound may be ahead of the model's.
void runRandomOperations(BackendFixture& subject, uint64_t seed, int steps);

// The seeds to run: the one in the environment variable CAMBIUM_SEED; or 1 to CAMBIUM_SEEDS; or 1 to `usual`.
kj::Vector<uint64_t> randomSeeds(uint64_t usual);

}  // namespace cambium
