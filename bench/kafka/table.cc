#include "bench/kafka/table.h"

#include <cstdio>

#include <kj/debug.h>

namespace cambium::bench {

namespace {

template <class... Values>
kj::String format(const char* pattern, Values... values) {
  char line[256];
  int length = snprintf(line, sizeof(line), pattern, values...);
  return kj::heapString(line, kj::min(static_cast<size_t>(length), sizeof(line) - 1));
}

double speed(const Sample& sample) {
  return sample.operationsPerSecond();
}
double cpu(const Sample& sample) {
  return sample.cpuPerMillionRecords();
}

// The median over rounds of one subject's value over another's.
double ratio(const SubjectResult& subject, const SubjectResult& other, double (*value)(const Sample&)) {
  kj::Vector<double> ratios;
  for (size_t i = 0; i < kj::min(subject.rounds.size(), other.rounds.size()); ++i)
    ratios.add(value(subject.rounds[i]) / value(other.rounds[i]));
  return median(ratios);
}

kj::String describe(const SubjectResult& subject, const SubjectResult& first) {
  auto line = format("  %-16s %10.0f rec/s (%.0f-%.0f)", subject.subject.cStr(), subject.medianOf(speed),
                     subject.leastOf(speed), subject.mostOf(speed));
  line = format("%-58s %6.0f MB/s %8.3f CPU s/M (%.3f-%.3f)", line.cStr(),
                subject.medianOf([](const Sample& s) { return s.megabytesPerSecond(); }), subject.medianOf(cpu),
                subject.leastOf(cpu), subject.mostOf(cpu));
  if (&subject != &first) {
    line = format("%-106s %s: %.2fx its speed, %.2fx its CPU", line.cStr(), first.subject.cStr(),
                  ratio(first, subject, speed), ratio(first, subject, cpu));
  }
  if (subject.rounds[0].p50Us > 0) {
    line = kj::str(line, "\n",
                   format("  %-16s latency us: p50 %.0f, p99 %.0f, p99.9 %.0f (least and most of p99: %.0f-%.0f)", "",
                          subject.medianOf([](const Sample& s) { return s.p50Us; }),
                          subject.medianOf([](const Sample& s) { return s.p99Us; }),
                          subject.medianOf([](const Sample& s) { return s.p999Us; }),
                          subject.leastOf([](const Sample& s) { return s.p99Us; }),
                          subject.mostOf([](const Sample& s) { return s.p99Us; })));
  }
  return kj::str(line, "\n");
}

}  // namespace

kj::String kafkaTable(const ComparisonResult& result) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(result.title, "\n"));
  for (auto& subject : result.subjects)
    lines.add(describe(subject, result.subjects[0]));
  for (auto& gate : result.gates) {
    lines.add(format("  = %-38s %6.2f (%.2f-%.2f)  %s\n", gate.text.cStr(), gate.ratio, gate.least, gate.most,
                     gate.met ? "met" : "MISSED"));
  }
  return kj::strArray(lines, "");
}

}  // namespace cambium::bench
