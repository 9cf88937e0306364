#include <csignal>
#include <cstdio>
#include <gflags/gflags.h>
#include <string.h>

#include <kj/async-io.h>
#include <kj/debug.h>

#include "bench/kafka/null_answers.h"
#include "engine/base/coroutine.h"
#include "server/main/allocator.h"

DEFINE_int32(port, 0, "Port on 127.0.0.1; 0: any free one");
DEFINE_int32(partitions, 16, "Partitions of every topic");
DEFINE_bool(walk_records, false, "Look at every record of the batches, as a broker does");
DEFINE_string(dir, "/tmp", "Folder on the device to write to; nothing is left in it");

namespace cambium::bench {
namespace {

constexpr size_t kReadBufferBytes = 544 << 10;  // two frames of 256 KiB and a little

// Reads as much as there is, at least what the frame still lacks; answers all whole frames of one read by one write.
// What is held of a frame moves to the front only when the frame would not fit behind it.
kj::Promise<void> serve(kj::Own<kj::AsyncIoStream> stream, const NullBrokerConfig& config) {
  NullAnswers answers(config);
  FrameWriter out;
  auto buffer = kj::heapArray<kj::byte>(kReadBufferBytes);
  size_t begin = 0;  // of what is held
  size_t end = 0;
  size_t needed = kLengthBytes;  // of the frame at the front
  for (;;) {
    if (begin + needed > buffer.size()) {
      auto target = needed > buffer.size() ? kj::heapArray<kj::byte>(needed + kReadBufferBytes) : nullptr;
      memmove(target == nullptr ? buffer.begin() : target.begin(), buffer.begin() + begin, end - begin);
      if (target != nullptr) buffer = kj::mv(target);
      end -= begin;
      begin = 0;
    }
    auto got = co_await stream->tryRead(buffer.begin() + end, begin + needed - end, buffer.size() - end);
    end += got;
    if (end - begin < needed) co_return;
    for (;;) {
      needed = kLengthBytes;
      if (end - begin < needed) break;
      needed += frameLength(buffer.begin() + begin);
      if (end - begin < needed) break;
      answers.answer(buffer.slice(begin + kLengthBytes, begin + needed), out);
      begin += needed;
    }
    if (begin == end) begin = end = 0;
    if (!out.empty()) co_await stream->write(out.bytes().begin(), out.bytes().size());
    out.clear();
  }
}

class Failures final : public kj::TaskSet::ErrorHandler {
 public:
  void taskFailed(kj::Exception&& exception) override {
    fprintf(stderr, "cambium_null_kafka: a connection ended: %s\n", exception.getDescription().cStr());
  }
};

kj::Promise<void> acceptAll(kj::ConnectionReceiver& receiver, const NullBrokerConfig& config, kj::TaskSet& tasks) {
  for (;;) {
    auto stream = co_await receiver.accept();
    tasks.add(serve(kj::mv(stream), config));
  }
}

void run() {
  auto io = kj::setupAsyncIo();
  auto address =
      io.provider->getNetwork().parseAddress("127.0.0.1", static_cast<unsigned>(FLAGS_port)).wait(io.waitScope);
  auto receiver = address->listen();
  NullBrokerConfig config{kj::str("127.0.0.1"), static_cast<uint16_t>(receiver->getPort()), FLAGS_partitions,
                          kj::str(FLAGS_dir.c_str()), FLAGS_walk_records};
  fprintf(stderr, "cambium_null_kafka: Kafka on 127.0.0.1:%u\n", config.port);
  Failures failures;
  kj::TaskSet tasks(failures);
  acceptAll(*receiver, config, tasks).wait(io.waitScope);
}

}  // namespace
}  // namespace cambium::bench

int main(int argc, char** argv) {
  gflags::SetUsageMessage("A Kafka broker that only receives, checks, writes and answers: the bench's yardstick.");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  cambium::keepFreedMemory();  // as cambiumd does
  signal(SIGPIPE, SIG_IGN);
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([] { cambium::bench::run(); })) {
    fprintf(stderr, "cambium_null_kafka: %s\n", exception->getDescription().cStr());
    return 1;
  }
  return 0;
}
