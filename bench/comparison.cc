#include "bench/comparison.h"

#include <cmath>

#include <kj/debug.h>

namespace cambium::bench {

namespace {

constexpr double kProbeTolerance = 0.2;
constexpr unsigned kRoundsNeeded = 3;

kj::Vector<double> valuesOf(const SubjectResult& subject, kj::ConstFunction<double(const Sample&)>& value) {
  kj::Vector<double> values(subject.rounds.size());
  for (auto& sample : subject.rounds)
    values.add(value(sample));
  return values;
}

double speed(const Sample& sample) {
  return sample.operationsPerSecond();
}

const SubjectResult& find(const ComparisonResult& result, kj::StringPtr subject) {
  for (auto& each : result.subjects) {
    if (each.subject == subject) return each;
  }
  KJ_FAIL_REQUIRE("no such subject", subject);
}

double ratioOf(Gate::Kind kind, const Sample& subject, const Sample& probe) {
  switch (kind) {
    case Gate::Kind::kSpeedAtLeast:
      return speed(subject) / speed(probe);
    case Gate::Kind::kTimeAtMost:
      return speed(probe) / speed(subject);
    case Gate::Kind::kCpuAtMost:
      return subject.cpuPerMillionRecords() / probe.cpuPerMillionRecords();
  }
  KJ_UNREACHABLE;
}

GateResult judge(const Gate& gate, const ComparisonResult& result) {
  auto& subject = find(result, gate.subject);
  auto& probe = find(result, gate.probe);
  double middle = probe.medianOf(speed);
  kj::Vector<double> ratios;
  for (size_t i = 0; i < probe.rounds.size(); ++i) {
    if (std::abs(speed(probe.rounds[i]) / middle - 1) > kProbeTolerance) continue;
    ratios.add(ratioOf(gate.kind, subject.rounds[i], probe.rounds[i]));
  }
  GateResult judged{};
  judged.text = gate.describe();
  judged.ratio = median(ratios);
  judged.least = judged.most = ratios[0];
  for (double ratio : ratios) {
    judged.least = kj::min(judged.least, ratio);
    judged.most = kj::max(judged.most, ratio);
  }
  judged.met = gate.kind == Gate::Kind::kSpeedAtLeast ? judged.ratio >= gate.limit : judged.ratio <= gate.limit;
  judged.roundsUsed = static_cast<unsigned>(ratios.size());
  judged.roundsDiscarded = static_cast<unsigned>(probe.rounds.size() - ratios.size());
  return judged;
}

}  // namespace

double SubjectResult::medianOf(kj::ConstFunction<double(const Sample&)> value) const {
  return median(valuesOf(*this, value));
}

double SubjectResult::leastOf(kj::ConstFunction<double(const Sample&)> value) const {
  auto values = valuesOf(*this, value);
  double least = values[0];
  for (double each : values)
    least = kj::min(least, each);
  return least;
}

double SubjectResult::mostOf(kj::ConstFunction<double(const Sample&)> value) const {
  auto values = valuesOf(*this, value);
  double most = values[0];
  for (double each : values)
    most = kj::max(most, each);
  return most;
}

ComparisonResult compare(const Workload& workload, kj::ArrayPtr<Trial> trials,
                         kj::FunctionParam<void(kj::StringPtr)> progress) {
  ComparisonResult result{kj::str(workload.title), {}, {}};
  for (auto& trial : trials)
    result.subjects.add(SubjectResult{kj::str(trial.subject), {}});
  bool forth = true;
  auto oneRound = [&](kj::StringPtr label, bool counts) {
    for (size_t turn = 0; turn < trials.size(); ++turn) {
      // There and back: nobody always finds the memory that the same neighbour left.
      size_t i = forth ? turn : trials.size() - 1 - turn;
      progress(kj::str(workload.title, ": ", label, ", ", trials[i].subject));
      auto sample = trials[i].run();
      if (counts) result.subjects[i].rounds.add(sample);
    }
    forth = !forth;
  };
  oneRound("warm-up", false);
  unsigned round = 0;
  for (unsigned limit = workload.rounds; round < limit;) {
    ++round;
    oneRound(kj::str("round ", round, " of ", limit), true);
    if (round < limit) continue;
    result.gates.clear();
    bool enough = true;
    for (auto& gate : workload.gates) {
      result.gates.add(judge(gate, result));
      enough &= result.gates.back().roundsUsed >= kRoundsNeeded;
    }
    if (!enough && limit == workload.rounds && limit >= kRoundsNeeded) limit *= 2;
  }
  return result;
}

}  // namespace cambium::bench
