#include "bench/workload.h"

#include <cstdlib>

#include <kj/debug.h>

#include "engine/base/text.h"

namespace cambium::bench {

namespace {

constexpr kj::StringPtr kOfCpu = ":cpu"_kj;

// Where a message points to.
struct Place {
  kj::StringPtr source;
  unsigned line;

  template <class... Parts>
  [[noreturn]] void refuse(Parts&&... parts) const {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                                          kj::str(source, ":", line, ": ", kj::fwd<Parts>(parts)...)));
  }
};

kj::Vector<kj::String> split(kj::StringPtr text, char separator) {
  kj::Vector<kj::String> parts;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != separator) continue;
    if (i > begin) parts.add(kj::str(text.slice(begin, i)));
    begin = i + 1;
  }
  return parts;
}

uint64_t parseCount(kj::StringPtr text, const Place& place) {
  KJ_IF_MAYBE(value, parseInteger<uint64_t>(text)) {
    if (*value > 0) return *value;
  }
  place.refuse("\"", text, "\" is no number above 0");
}

// "4KiB", "256MiB", "100" (bytes).
Bytes parseBytes(kj::StringPtr text, const Place& place) {
  auto scaled = [&](kj::StringPtr unit, uint64_t factor) {
    return Bytes(parseCount(kj::str(text.slice(0, text.size() - unit.size())), place) * factor);
  };
  if (text.endsWith("KiB")) return scaled("KiB", 1 << 10);
  if (text.endsWith("MiB")) return scaled("MiB", 1 << 20);
  return Bytes(parseCount(text, place));
}

Gate parseGate(kj::StringPtr text, const Place& place) {
  KJ_IF_MAYBE(slash, text.findFirst('/')) {
    for (size_t i = *slash + 1; i + 2 < text.size(); ++i) {
      if ((text[i] != '>' && text[i] != '<') || text[i + 1] != '=') continue;
      char* end = nullptr;
      double limit = strtod(text.begin() + i + 2, &end);
      if (end != text.end() || limit <= 0) break;
      auto probe = kj::str(text.slice(*slash + 1, i));
      auto kind = text[i] == '>' ? Gate::Kind::kSpeedAtLeast : Gate::Kind::kTimeAtMost;
      if (probe.endsWith(kOfCpu)) {
        if (kind != Gate::Kind::kTimeAtMost) break;
        kind = Gate::Kind::kCpuAtMost;
        probe = kj::str(probe.slice(0, probe.size() - kOfCpu.size()));
      }
      return Gate{kj::str(text.slice(0, *slash)), kj::mv(probe), kind, limit};
    }
  }
  place.refuse("\"", text,
               "\" is no gate; expected for example native/file>=0.5, rocksdb/native<=3 or cambium/kafka:cpu<=0.5");
}

// The settings that only Kafka workloads have. Returns whether it is one.
bool applyKafka(Workload& workload, kj::StringPtr key, kj::StringPtr value, const Place& place) {
  if (key == "acks") {
    workload.acks = kj::str(value);
  } else if (key == "partitions") {
    workload.partitions = parseCount(value, place);
  } else if (key == "durability") {
    workload.durability = kj::str(value);
  } else if (key == "rate") {
    workload.rate = parseCount(value, place);
  } else if (key == "linger") {
    workload.lingerMs = value == "0" ? 0 : parseCount(value, place);
  } else if (key == "clients") {
    workload.clients = parseCount(value, place);
  } else {
    return false;
  }
  return true;
}

void apply(Workload& workload, kj::StringPtr key, kj::StringPtr value, const Place& place) {
  if (key == "batch") {
    workload.batch = parseBytes(value, place);
  } else if (key == "total") {
    workload.total = parseBytes(value, place);
  } else if (key == "take") {
    workload.take = parseBytes(value, place);
  } else if (key == "operations") {
    workload.operations = parseCount(value, place);
  } else if (key == "window") {
    workload.window = parseCount(value, place);
  } else if (key == "rounds") {
    workload.rounds = static_cast<unsigned>(parseCount(value, place));
  } else if (key == "codec") {
    workload.codec = kj::str(value);
  } else if (key == "memory") {
    if (value != "fresh" && value != "recycled") place.refuse("memory is fresh or recycled, not ", value);
    workload.freshMemory = value == "fresh";
  } else if (key == "subjects") {
    workload.subjects = split(value, ',');
  } else if (key == "gates") {
    for (auto& gate : split(value, ','))
      workload.gates.add(parseGate(gate, place));
  } else if (!applyKafka(workload, key, value, place)) {
    place.refuse("there is no setting ", key,
                 "; known are batch, total, take, operations, window, rounds, codec, memory, subjects, gates, and of "
                 "Kafka workloads "
                 "acks, partitions, durability, rate, linger, clients");
  }
}

Workload parseWorkload(kj::StringPtr line, const Place& place) {
  Workload workload;
  kj::Vector<kj::String> title;
  for (auto& word : split(line, ' ')) {
    if (workload.name.size() == 0) {
      workload.name = kj::str(word);
      title.add(kj::mv(word));
      continue;
    }
    KJ_IF_MAYBE(equals, word.findFirst('=')) {
      auto key = kj::str(word.slice(0, *equals));
      apply(workload, key, word.slice(*equals + 1), place);
      if (key != "subjects" && key != "gates" && key != "rounds") title.add(kj::mv(word));
    } else {
      place.refuse("\"", word, "\" is no setting; expected key=value");
    }
  }
  if (workload.subjects.size() == 0) place.refuse("a workload needs subjects=…");
  auto known = [&](kj::StringPtr name) {
    for (auto& subject : workload.subjects) {
      if (subject == name) return true;
    }
    return false;
  };
  for (auto& gate : workload.gates) {
    if (!known(gate.subject) || !known(gate.probe))
      place.refuse("the gate ", gate.describe(), " names no subject of the line");
  }
  workload.title = kj::strArray(title, " ");
  return workload;
}

}  // namespace

kj::String Gate::describe() const {
  auto what = kind == Kind::kTimeAtMost ? "time "_kj : kind == Kind::kCpuAtMost ? "CPU "_kj : "speed "_kj;
  return kj::str(what, subject, " / ", probe, kind == Kind::kSpeedAtLeast ? " >= " : " <= ", limit);
}

kj::Vector<Workload> parseWorkloads(kj::StringPtr text, kj::StringPtr source) {
  kj::Vector<Workload> workloads;
  kj::String pending;
  unsigned number = 0;
  unsigned begun = 0;
  auto finish = [&] {
    if (pending.size() > 0) workloads.add(parseWorkload(pending, Place{source, begun}));
    pending = nullptr;
  };
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '\n') continue;
    auto line = kj::str(text.slice(begin, i));
    begin = i + 1;
    ++number;
    bool continues = line.startsWith(" ");
    if (split(line, ' ').size() == 0 || line.startsWith("#")) continue;
    if (!continues) {
      finish();
      begun = number;
    }
    pending = kj::str(pending, " ", line);
  }
  finish();
  if (workloads.size() == 0) Place{source, number}.refuse("there is no workload in it");
  return workloads;
}

}  // namespace cambium::bench
