#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <kj/debug.h>

#include "engine/base/byte_cursor.h"
#include "engine/record/batch_builder.h"
#include "server/kafka/api.h"
#include "server/kafka/wire/header.h"
#include "server/kafka/wire/writer.h"
#include "tests/fuzz/message_input.h"
#include "tests/fuzz/recovery_store.h"
#include "tests/support/kafka_scrambler.h"

// fuzz_seeds CAPTURED OUT: writes the seeds of each fuzzer into OUT/message, OUT/batch, OUT/door and OUT/recovery:
// every request and response in every version with invented content, batches of every codec and such as lie, what was
// captured of real clients (files in CAPTURED, each what one connection sent), and the files of a small store.

namespace cambium::kafka {
namespace {

void write(const std::filesystem::path& path, ByteView bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.begin()), static_cast<std::streamsize>(bytes.size()));
  KJ_REQUIRE(out.good(), "cannot write", path.c_str());
}

kj::Array<kj::byte> headed(std::initializer_list<size_t> head, ByteView body) {
  ByteWriter out;
  for (auto byte : head)
    out.int8(static_cast<int8_t>(byte));
  out.bytes(body);
  return out.finish();
}

// Its place in the table of what is served, or none.
kj::Maybe<size_t> placeOf(int16_t key) {
  for (size_t i = 0; i < apis().size(); ++i)
    if (apis()[i].key == key) return i;
  return nullptr;
}

template <class Message>
void invent(size_t choice, const std::filesystem::path& out) {
  constexpr auto versions = Message::kFacts.versions;
  for (Version version = versions.first; version <= versions.last; ++version) {
    auto place = static_cast<size_t>(version - versions.first);
    Message message;
    Scrambler scrambler(place + 1, version);
    scrambler.structure(message);
    auto body = encode(message, version).flatten();
    auto name = kj::str(Message::kFacts.name, "-", version);
    write(out / "message" / name.cStr(), headed({choice, place}, body));
    if (choice % 2 == 1) continue;  // a response
    KJ_IF_MAYBE(api, placeOf(Message::kFacts.key)) {
      write(out / "door" / name.cStr(), headed({1, *api, place}, body));
    }
  }
}

void addBatches(const std::filesystem::path& out) {
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    BatchBuilder builder({.codec = codec});
    cambium::RecordHeader headers[] = {{"trace"_kj.asBytes(), "1"_kj.asBytes()}};
    for (int i = 0; i < 5; ++i)
      builder.add(TimestampMs(1000 + i), "key"_kj.asBytes(), "a value that repeats itself"_kj.asBytes(), headers);
    write(out / "batch" / kj::str("codec-", static_cast<int>(codec)).cStr(), headed({1}, builder.finish()));
  }
}

// Batches that lie: each is sound but for one thing.
void addSpoiltBatches(const std::filesystem::path& out) {
  using namespace batch_layout;
  auto whole = [](Codec codec) {
    BatchBuilder builder({.codec = codec});
    builder.add(TimestampMs(-5), nullptr, "a"_kj.asBytes());
    cambium::RecordHeader headers[] = {{"trace"_kj.asBytes(), nullptr}};
    builder.add(TimestampMs(7), "key"_kj.asBytes(), nullptr, headers);
    return builder.finish();
  };
  int number = 0;
  auto add = [&](kj::StringPtr what, ByteView batch) {
    write(out / "batch" / kj::str("spoilt-", number++, "-", what).cStr(), headed({1}, batch));
  };
  for (auto codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    auto batch = whole(codec);
    add("cut-off", batch.slice(0, batch.size() - 5));
    add("left-over",
        headed({}, kj::str(kj::StringPtr(reinterpret_cast<const char*>(batch.begin()), batch.size()), "x").asBytes()));
    for (int32_t count : {1, 3}) {
      auto counted = kj::heapArray<kj::byte>(batch.asPtr());
      storeBigEndian(counted.begin() + kRecordCount, count);
      storeBigEndian(counted.begin() + kLastOffsetDelta, count - 1);
      add("count", counted);
    }
    auto other = kj::heapArray<kj::byte>(batch.asPtr());
    other[kAttributes + 1] = static_cast<kj::byte>((other[kAttributes + 1] + 1) % 8);
    add("another-codec", other);
    auto early = kj::heapArray<kj::byte>(batch.asPtr());
    storeBigEndian(early.begin() + kMaxTimestamp, int64_t{-1});
    add("max-timestamp", early);
    auto transactional = kj::heapArray<kj::byte>(batch.asPtr());
    transactional[kAttributes + 1] |= 0x10;
    add("transactional", transactional);
  }
  // Every length and number of an uncompressed batch, one larger and with more bytes than there are.
  auto plain = whole(Codec::kNone);
  for (size_t at = kHeaderBytes; at < plain.size(); ++at) {
    for (int change : {2, 0x7e, 0x80}) {
      auto changed = kj::heapArray<kj::byte>(plain.asPtr());
      changed[at] = static_cast<kj::byte>(changed[at] + change);
      add("byte", changed);
    }
  }
  std::string zeros(2 << 20, '\0');
  for (auto codec : {Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    BatchBuilder builder({.codec = codec});
    builder.add(TimestampMs(1), nullptr, kj::StringPtr(zeros.data(), zeros.size()).asBytes());
    add("much-in-little", builder.finish());
  }
}

void addStores(const std::filesystem::path& out) {
  for (bool closed : {false, true}) {
    MemoryFileSystem files;
    makeRecoveryStore(files, closed);
    for (unsigned kind = 0; kind < kRecoveryFiles; ++kind) {
      auto bytes = readWholeFile(files, recoveryPath(static_cast<RecoveryFile>(kind)));
      write(out / "recovery" / kj::str(kind, closed ? "-closed" : "-killed").cStr(),
            headed({kind, closed ? 3u : 1u}, bytes));
    }
  }
}

size_t choiceOf(int16_t key) {
  size_t found = kMessages;
  for (size_t choice = 0; choice < kMessages; choice += 2) {
    withMessage(choice, [&]<class Message>() {
      if (Message::kFacts.key == key) found = choice;
    });
  }
  return found;
}

// The requests of one connection, each as a message.
void addRequests(const std::string& name, ByteView connection, const std::filesystem::path& out) {
  ByteReader in(connection);
  for (int number = 0; in.remaining() >= 4; ++number) {
    auto frame = in.bytes(static_cast<size_t>(in.int32()));
    if (in.failed()) return;
    ByteReader from(frame);
    RequestHeader header;
    if (!readHeaderStart(from, header)) return;
    auto choice = choiceOf(header.key);
    if (choice == kMessages) continue;
    withMessage(choice, [&]<class Message>() {
      constexpr auto& facts = Message::kFacts;
      if (!facts.versions.contains(header.version)) return;
      if (!readHeaderRest(from, facts.flexible(header.version), header)) return;
      auto body = frame.slice(frame.size() - from.remaining(), frame.size());
      write(out / "message" / kj::str(name.c_str(), "-", number).cStr(),
            headed({choice, static_cast<size_t>(header.version - facts.versions.first)}, body));
    });
  }
}

void run(const std::filesystem::path& captured, const std::filesystem::path& out) {
  for (auto folder : {"message", "batch", "door", "recovery"})
    std::filesystem::create_directories(out / folder);
  for (size_t choice = 0; choice < kMessages; ++choice)
    withMessage(choice, [&]<class Message>() { invent<Message>(choice, out); });
  addBatches(out);
  addSpoiltBatches(out);
  addStores(out);
  for (auto& entry : std::filesystem::directory_iterator(captured)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    auto view = kj::arrayPtr(reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size());
    auto name = entry.path().filename().string();
    write(out / "door" / name, headed({0}, view));
    addRequests(name, view, out);
  }
}

}  // namespace
}  // namespace cambium::kafka

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s CAPTURED OUT\n", argv[0]);
    return 2;
  }
  cambium::kafka::run(argv[1], argv[2]);
  return 0;
}
