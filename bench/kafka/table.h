#pragma once

#include "bench/comparison.h"

namespace cambium::bench {

// A comparison of brokers for people: a line for each, with median, least and most of records a second and of the
// broker's processor seconds per million records, percentiles where single operations were timed, and how the first
// subject stands to each of the others, round by round; then the gates.
kj::String kafkaTable(const ComparisonResult& result);

}  // namespace cambium::bench
