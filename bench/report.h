#pragma once

#include "bench/comparison.h"

namespace cambium::bench {

// For people: a line for each subject of a comparison (median, least and most speed), then one for each gate.
kj::String describe(const ComparisonResult& result);

// All gates of all comparisons, one line each; the last line says how many were met.
kj::String describeGates(kj::ArrayPtr<const ComparisonResult> results);

// For programs: {"comparisons": [{"title", "subjects": [{"subject", "rounds": [{…}]}], "gates": [{…}]}]}, every round's
// figures.
kj::String toJson(kj::ArrayPtr<const ComparisonResult> results);

}  // namespace cambium::bench
