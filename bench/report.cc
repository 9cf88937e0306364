#include "bench/report.h"

#include <cstdio>

namespace cambium::bench {

namespace {

template <class... Values>
kj::String format(const char* pattern, Values... values) {
  char line[256];
  int length = snprintf(line, sizeof(line), pattern, values...);
  return kj::heapString(line, kj::min(static_cast<size_t>(length), sizeof(line) - 1));
}

kj::String quoted(kj::StringPtr text) {
  kj::Vector<char> out(text.size() + 2);
  out.add('"');
  for (char c : text) {
    if (c == '"' || c == '\\') out.add('\\');
    out.add(c);
  }
  out.add('"');
  return kj::heapString(out.begin(), out.size());
}

kj::String describe(const SubjectResult& result) {
  auto perSecond = [](const Sample& s) { return s.operationsPerSecond(); };
  auto megabytes = [](const Sample& s) { return s.megabytesPerSecond(); };
  auto cpu = [](const Sample& s) { return s.cpuPerMillionRecords(); };
  auto cpuOfBytes = [](const Sample& s) { return s.cpuSeconds / static_cast<double>(s.bytes) * 1e9; };
  auto p50 = [](const Sample& s) { return s.p50Us; };
  auto p99 = [](const Sample& s) { return s.p99Us; };
  auto line = format("  %-22s %11.0f op/s (%.0f-%.0f)", result.subject.cStr(), result.medianOf(perSecond),
                     result.leastOf(perSecond), result.mostOf(perSecond));
  line = format("%-64s", line.cStr());
  if (result.rounds[0].bytes > 0) {
    line = kj::str(line, format(" %8.0f MB/s %7.2f CPU s/GB", result.medianOf(megabytes), result.medianOf(cpuOfBytes)));
  }
  if (result.rounds[0].records > 0) line = kj::str(line, format(" %9.3f CPU s/M", result.medianOf(cpu)));
  if (result.rounds[0].p50Us > 0) {
    line = kj::str(line, format("   p50 %.1f us, p99 %.1f us", result.medianOf(p50), result.medianOf(p99)));
  }
  return kj::str(line, "\n");
}

kj::String describe(const GateResult& gate) {
  return format("%-46s %6.2f (%.2f-%.2f)  %s; %u rounds, %u discarded\n", gate.text.cStr(), gate.ratio, gate.least,
                gate.most, gate.met ? "met" : "MISSED", gate.roundsUsed, gate.roundsDiscarded);
}

kj::String toJson(const Sample& s) {
  return kj::str("{\"operations\": ", s.operations, ", \"bytes\": ", s.bytes, ", \"records\": ", s.records,
                 ", \"seconds\": ", s.seconds, ", \"cpuSeconds\": ", s.cpuSeconds, ", \"p50Us\": ", s.p50Us,
                 ", \"p99Us\": ", s.p99Us, ", \"p999Us\": ", s.p999Us, "}");
}

kj::String toJson(const GateResult& g) {
  return kj::str("{\"gate\": ", quoted(g.text), ", \"ratio\": ", g.ratio, ", \"least\": ", g.least,
                 ", \"most\": ", g.most, ", \"met\": ", g.met, ", \"roundsUsed\": ", g.roundsUsed,
                 ", \"roundsDiscarded\": ", g.roundsDiscarded, "}");
}

// The items' JSON, between square brackets.
template <class Items, class Make>
kj::String list(const Items& items, Make make) {
  return kj::str("[", kj::strArray(KJ_MAP(item, items) { return make(item); }, ", "), "]");
}

}  // namespace

kj::String describe(const ComparisonResult& result) {
  kj::Vector<kj::String> lines;
  lines.add(kj::str(result.title, "\n"));
  for (auto& subject : result.subjects)
    lines.add(describe(subject));
  for (auto& gate : result.gates)
    lines.add(kj::str("  = ", describe(gate)));
  return kj::strArray(lines, "");
}

kj::String describeGates(kj::ArrayPtr<const ComparisonResult> results) {
  kj::Vector<kj::String> lines;
  unsigned met = 0;
  for (auto& result : results) {
    for (auto& gate : result.gates) {
      lines.add(kj::str(format("%-58s ", result.title.cStr()), describe(gate)));
      met += gate.met;
    }
  }
  auto last = kj::str(met, " of ", lines.size(), " gates met\n");
  lines.add(kj::mv(last));
  return kj::strArray(lines, "");
}

kj::String toJson(kj::ArrayPtr<const ComparisonResult> results) {
  auto comparisons = list(results, [](const ComparisonResult& result) {
    auto subjects = list(result.subjects, [](const SubjectResult& subject) {
      return kj::str("{\"subject\": ", quoted(subject.subject),
                     ", \"rounds\": ", list(subject.rounds, [](const Sample& s) { return toJson(s); }), "}");
    });
    return kj::str("{\"title\": ", quoted(result.title), ", \"subjects\": ", subjects,
                   ", \"gates\": ", list(result.gates, [](const GateResult& g) { return toJson(g); }), "}");
  });
  return kj::str("{\"comparisons\": ", comparisons, "}\n");
}

}  // namespace cambium::bench
