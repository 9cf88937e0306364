#pragma once

#include <kj/function.h>

#include "bench/sample.h"
#include "bench/workload.h"

namespace cambium::bench {

// One subject of a comparison: does the work once and times it. Whatever it needs is prepared when it is made and gone
// when it is destroyed; what a run wrote is gone when the run returns.
struct Trial {
  kj::String subject;
  kj::Function<Sample()> run;
};

// All runs of one subject, by round.
struct SubjectResult {
  kj::String subject;
  kj::Vector<Sample> rounds;

  double medianOf(kj::ConstFunction<double(const Sample&)> value) const;
  double leastOf(kj::ConstFunction<double(const Sample&)> value) const;
  double mostOf(kj::ConstFunction<double(const Sample&)> value) const;
};

// What came of one gate, over the rounds in which its probe was steady.
struct GateResult {
  kj::String text;
  double ratio;
  double least;
  double most;
  bool met;
  unsigned roundsUsed;
  unsigned roundsDiscarded;
};

struct ComparisonResult {
  kj::String title;
  kj::Vector<SubjectResult> subjects;
  kj::Vector<GateResult> gates;
};

// Runs the trials in turn, A B C C B A …: one round that does not count, then the workload's rounds. A round in which a
// gate's probe was more than 20 % off its median does not count for that gate; when fewer than three are left, the
// comparison goes on for as many rounds again. `progress` is told what is going on.
ComparisonResult compare(const Workload& workload, kj::ArrayPtr<Trial> trials,
                         kj::FunctionParam<void(kj::StringPtr)> progress);

}  // namespace cambium::bench
