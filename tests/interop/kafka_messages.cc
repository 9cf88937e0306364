// Our codec as one side of the exchange of messages with the Java client's classes; java_messages/README.md has the
// format.
//
//     kafka_messages write FILE SAMPLES    random messages of every API that we serve, in every version, from seeds 0,
//     1, ... kafka_messages read FILE             each message has to be read to its last byte and to become the same
//     bytes again
//
// Exit code 0: all good, and not nothing.

#include <cstdio>
#include <fstream>
#include <string>

#include <kj/encoding.h>

#include "server/kafka/wire/all_messages.h"
#include "server/kafka/wire/dumper.h"
#include "server/kafka/wire/reader.h"
#include "server/kafka/wire/writer.h"
#include "tests/support/kafka_scrambler.h"

namespace cambium::kafka {
namespace {

// Null when the bytes are read and written again as they were, and otherwise what is wrong.
template <class Message>
kj::Maybe<kj::String> complaint(ByteView bytes, Version version) {
  Message message;
  kj::String failure;
  if (!decode(bytes, version, message, failure)) return kj::mv(failure);
  auto again = encode(message, version).flatten();
  if (bytes == again.asPtr()) return nullptr;
  return kj::str("became ", kj::encodeHex(again), ": ", dump(message, version));
}

template <class Message>
kj::String scrambled(uint64_t seed, Version version) {
  Message message;
  Scrambler scrambler(seed, version);
  scrambler.structure(message);
  return kj::encodeHex(encode(message, version).flatten());
}

struct Kind {
  const MessageFacts& facts;
  const char* kind;
  kj::Maybe<kj::String> (*complaint)(ByteView bytes, Version version);
  kj::String (*scrambled)(uint64_t seed, Version version);
};

template <class Message>
constexpr Kind kindOf(const char* kind) {
  return {Message::kFacts, kind, complaint<Message>, scrambled<Message>};
}

#define CAMBIUM_X(Name) kindOf<Name##Request>("request"), kindOf<Name##Response>("response"),
constexpr Kind kKinds[] = {CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)};
#undef CAMBIUM_X

int write(const char* path, uint64_t samples) {
  std::ofstream out(path);
  size_t lines = 0;
  for (auto& kind : kKinds) {
    for (Version v = kind.facts.versions.first; v <= kind.facts.versions.last; ++v) {
      for (uint64_t seed = 0; seed < samples; ++seed, ++lines)
        out << kind.facts.key << '\t' << kind.kind << '\t' << v << '\t' << kind.scrambled(seed, v).cStr() << "\t{}\n";
    }
  }
  out.close();
  printf("%zu messages of %zu kinds written\n", lines, std::size(kKinds));
  return out && lines > 0 ? 0 : 1;
}

const Kind* find(int key, const std::string& name, Version version) {
  for (auto& kind : kKinds)
    if (kind.facts.key == key && kind.kind == name && kind.facts.versions.contains(version)) return &kind;
  return nullptr;
}

int read(const char* path) {
  std::ifstream in(path);
  size_t good = 0, bad = 0, unknown = 0;
  int key;
  Version version;
  std::string kind, hex, rest;
  while (in >> key >> kind >> version && std::getline(in.ignore(1), hex, '\t') && std::getline(in, rest)) {
    auto found = find(key, kind, version);
    if (found == nullptr) {
      ++unknown;
      continue;
    }
    auto bytes = kj::decodeHex(kj::arrayPtr(hex.data(), hex.size()));
    KJ_REQUIRE(!bytes.hadErrors, "not in hex", hex.c_str());
    KJ_IF_MAYBE(what, found->complaint(bytes, version)) {
      ++bad;
      printf("failed %s %s version %d: %s: %s\n", found->facts.name, kind.c_str(), int{version}, what->cStr(),
             hex.c_str());
    } else {
      ++good;
    }
  }
  KJ_REQUIRE(in.eof(), "a line is not as it should be", path, good + bad + unknown + 1);
  printf("%zu messages read and written again to the same bytes, %zu not, %zu of versions that we do not have\n", good,
         bad, unknown);
  return bad == 0 && good > 0 ? 0 : 1;
}

}  // namespace
}  // namespace cambium::kafka

int main(int argc, char** argv) {
  if (argc == 4 && kj::StringPtr(argv[1]) == "write") return cambium::kafka::write(argv[2], std::stoull(argv[3]));
  if (argc == 3 && kj::StringPtr(argv[1]) == "read") return cambium::kafka::read(argv[2]);
  fprintf(stderr, "usage: %s write FILE SAMPLES | read FILE\n", argv[0]);
  return 2;
}
