#include <cstdlib>

#include <kj/debug.h>

#include "server/kafka/wire/dumper.h"
#include "server/kafka/wire/reader.h"
#include "server/kafka/wire/writer.h"
#include "tests/fuzz/message_input.h"

// Any bytes as any message: refused, or read, written and read again as the same. CAMBIUM_FUZZ_ONLY=FetchRequest keeps
// to one of them.

namespace cambium::kafka {
namespace {

// The canary (tests/fuzz/fuzz canary): reads a byte beyond a message that begins with certain four. Nobody comes upon
// them by chance; who learns from what was compared does soon.
void plantedBug(ByteView written) {
  static const bool planted = getenv("CAMBIUM_FUZZ_CANARY") != nullptr;
  if (!planted || written.size() < 4) return;
  if (loadBigEndian<uint32_t>(written.begin()) != 0x0badcafe) return;
  const volatile kj::byte* bytes = written.begin();
  kj::byte beyond = bytes[written.size()];
  asm volatile("" : : "r"(beyond));
}

template <class Message>
void check(ByteView body, Version version) {
  Message message;
  kj::String failure;
  if (!decode(body, version, message, failure)) {
    KJ_REQUIRE(failure.size() > 0, "a refusal without a reason");
    return;
  }
  auto shown = dump(message, version);
  auto written = encode(message, version).flatten();
  plantedBug(written);
  Message again;
  KJ_REQUIRE(decode(written, version, again, failure), "what was written cannot be read", failure, shown);
  KJ_REQUIRE(dump(again, version) == shown, "a message has changed", shown, dump(again, version));
  auto rewritten = encode(again, version).flatten();
  KJ_REQUIRE(rewritten.asPtr() == written.asPtr(), "the same message is written in two ways", shown);
}

// Which message CAMBIUM_FUZZ_ONLY names; null without it.
kj::Maybe<size_t> onlyMessage() {
  const char* only = getenv("CAMBIUM_FUZZ_ONLY");
  if (only == nullptr) return nullptr;
  for (size_t i = 0; i < kMessages; ++i) {
    bool same = false;
    withMessage(i, [&]<class Message>() { same = strcmp(only, Message::kFacts.name) == 0; });
    if (same) return i;
  }
  KJ_FAIL_REQUIRE("CAMBIUM_FUZZ_ONLY names no message", only);
}

void one(ByteView input) {
  if (input.size() < kMessageInputHead) return;
  static const auto only = onlyMessage();
  withMessage(only.orDefault(input[0] % kMessages), [&]<class Message>() {
    constexpr auto versions = Message::kFacts.versions;
    auto version = static_cast<Version>(versions.first + input[1] % (versions.last - versions.first + 1));
    check<Message>(input.slice(kMessageInputHead, input.size()), version);
  });
}

}  // namespace
}  // namespace cambium::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cambium::kafka::one(kj::arrayPtr(data, size));
  return 0;
}
