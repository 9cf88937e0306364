#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include <kj/encoding.h>

#include "server/kafka/wire/all_messages.h"
#include "server/kafka/wire/reader.h"
#include "server/kafka/wire/writer.h"
#include "tests/support/kafka_scrambler.h"

// Our half of the comparison of codecs with the Java client's message classes. A line of a file is one message:
//
//     <api key> <request|response> <version> <hex>        (tabs between; the bytes may be none; what follows is
//     ignored)
//
//     kafka_messages write FILE COUNT    COUNT random messages of each kind and version
//     kafka_messages check FILE          reads each line's message and writes it again: the bytes must be the same

namespace cambium::kafka {
namespace {

const char* kindOf(std::string_view name) {
  return name.ends_with("Request") ? "request" : "response";
}

template <class Message>
void writeAll(std::ostream& out, int count) {
  constexpr auto& facts = Message::kFacts;
  for (Version v = facts.versions.first; v <= facts.versions.last; ++v) {
    for (int seed = 0; seed < count; ++seed) {
      Message message;
      Scrambler scrambler(static_cast<uint64_t>(seed), v);
      scrambler.structure(message);
      out << facts.key << '\t' << kindOf(facts.name) << '\t' << v << '\t'
          << kj::encodeHex(encode(message, v).flatten()).cStr() << '\n';
    }
  }
}

struct Line {
  int key = -1;
  std::string kind;
  int version = 0;
  std::string hex;
};

// Whether the line is of this message; sets `complaint` when it did not survive.
template <class Message>
bool checkIfMine(const Line& line, kj::String& complaint) {
  constexpr auto& facts = Message::kFacts;
  auto version = static_cast<Version>(line.version);
  if (line.key != facts.key || line.kind != kindOf(facts.name) || !facts.versions.contains(version)) return false;
  auto bytes = kj::decodeHex(kj::arrayPtr(line.hex.data(), line.hex.size()));
  Message message;
  kj::String failure;
  if (!decode(bytes, version, message, failure)) {
    complaint = kj::str("is not read: ", failure);
  } else if (encode(message, version).flatten().asPtr() != bytes.asPtr()) {
    complaint = kj::str("is written as ", kj::encodeHex(encode(message, version).flatten()));
  }
  return true;
}

bool checkLine(const Line& line, kj::String& complaint) {
#define CAMBIUM_X(Name) \
  if (checkIfMine<Name##Request>(line, complaint) || checkIfMine<Name##Response>(line, complaint)) return true;
  CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X
  return false;
}

int writeFile(const char* path, int count) {
  std::ofstream out(path);
#define CAMBIUM_X(Name)                \
  writeAll<Name##Request>(out, count); \
  writeAll<Name##Response>(out, count);
  CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X
  out.close();
  if (out) return 0;
  std::cerr << "kafka_messages: cannot write " << path << '\n';
  return 1;
}

int checkFile(const char* path) {
  std::ifstream in(path);
  std::string text;
  int checked = 0, foreign = 0, wrong = 0;
  while (std::getline(in, text)) {
    std::istringstream fields(text);
    Line line;
    fields >> line.key >> line.kind >> line.version;
    std::getline(fields.ignore(1), line.hex, '\t');
    kj::String complaint;
    if (!checkLine(line, complaint)) {
      ++foreign;
      continue;
    }
    ++checked;
    if (complaint.size() == 0) continue;
    ++wrong;
    std::cout << line.key << ' ' << line.kind << ' ' << line.version << ' ' << complaint.cStr() << "\n  " << line.hex
              << '\n';
  }
  std::cout << checked << " messages checked, " << wrong << " wrong, " << foreign
            << " of APIs or versions that are not served\n";
  return wrong == 0 && checked > 0 ? 0 : 1;
}

}  // namespace
}  // namespace cambium::kafka

int main(int argc, char** argv) {
  std::string command = argc > 2 ? argv[1] : "";
  if (command == "write" && argc == 4) return cambium::kafka::writeFile(argv[2], std::stoi(argv[3]));
  if (command == "check" && argc == 3) return cambium::kafka::checkFile(argv[2]);
  std::cerr << "usage: kafka_messages write FILE COUNT | check FILE\n";
  return 2;
}
