// Makes a topic, writes keyed records, reads them back:
//
//     client_example [ADDRESS [TOPIC]]

#include <cstdio>
#include <map>
#include <string>

#include "client/admin.h"
#include "client/consumer.h"
#include "client/producer.h"

namespace {

using namespace cambium;
using namespace cambium::client;

constexpr int kRecords = 1000;

kj::Promise<void> produce(Connection& connection, kj::StringPtr topic) {
  Producer producer(connection, kj::systemPreciseCalendarClock(), {.codec = Codec::kZstd});
  for (int i = 0; i < kRecords; ++i) {
    auto key = kj::str("user-", i % 10);
    auto value = kj::str(i);
    co_await producer.whenRoom();
    // Nobody waits for the single record: flush() tells of failures.
    auto sent = producer.send({.topic = topic, .key = ByteView(key.asBytes()), .value = ByteView(value.asBytes())});
  }
  auto flushed = co_await producer.flush();
  if (!flushed.ok()) KJ_FAIL_REQUIRE("producing failed", flushed.error());
}

// Reads every partition to its end. Returns the number of records; the values of one key must ascend.
kj::Promise<int> consume(Connection& connection, kj::StringPtr topic) {
  Consumer consumer(connection, {});
  auto assigned = co_await consumer.assignTopic(kj::str(topic), FromBeginning{});
  if (!assigned.ok()) KJ_FAIL_REQUIRE("consuming failed", assigned.error());
  std::map<std::string, int> last;
  int count = 0;
  while (!consumer.atEnd()) {
    auto polled = co_await consumer.poll({.returnAtEnd = true});
    if (!polled.ok()) KJ_FAIL_REQUIRE("consuming failed", polled.error());
    for (auto& record : polled.value()) {
      auto text = [](ByteView bytes) { return std::string(bytes.asChars().begin(), bytes.size()); };
      auto key = text(KJ_ASSERT_NONNULL(record.key));
      int value = std::stoi(text(KJ_ASSERT_NONNULL(record.value)));
      KJ_REQUIRE(!last.contains(key) || last[key] < value, "out of order", key.c_str(), value);
      last[key] = value;
      ++count;
    }
  }
  co_return count;
}

kj::Promise<void> run(Connection& connection, kj::StringPtr topic) {
  Admin admin(connection);
  auto made = co_await admin.createTopic(kj::str(topic), 3);
  if (!made.ok()) KJ_FAIL_REQUIRE("the topic cannot be made", made.error());
  co_await produce(connection, topic);
  int count = co_await consume(connection, topic);
  KJ_REQUIRE(count == kRecords, "wrote and read different numbers of records", count);
  printf("wrote and read %d records of topic %s\n", count, topic.cStr());
}

}  // namespace

int main(int argc, char** argv) {
  auto io = kj::setupAsyncIo();
  Connection connection(io.provider->getNetwork(), io.provider->getTimer(),
                        {.address = kj::str(argc > 1 ? argv[1] : kDefaultAddress.cStr())});
  auto failure =
      kj::runCatchingExceptions([&] { run(connection, argc > 2 ? argv[2] : "client-example").wait(io.waitScope); });
  KJ_IF_MAYBE(e, failure) fprintf(stderr, "client_example: %s\n", e->getDescription().cStr());
  return failure == nullptr ? 0 : 1;
}
