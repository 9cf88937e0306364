#include <cstdlib>
#include <memory>

#include <kj/debug.h>

#include "engine/base/coroutine.h"
#include "engine/base/thread_work_pool.h"
#include "engine/broker/broker.h"
#include "engine/record/batch_view.h"
#include "engine/storage/memory_engine.h"
#include "server/kafka/api.h"
#include "server/kafka/kafka_door.h"
#include "tests/fuzz/loopback.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/virtual_world.h"

// Any bytes as what a client sends, to a whole broker in memory on one loop with a virtual clock. With the first byte
// odd the rest is one frame of an API and version that is served (two bytes choose them) with the right length.
// Whatever comes, the connection ends, what was answered are whole frames, and no handler throws.

namespace cambium::kafka {
namespace {

// Stops at what a handler threw; what clients do wrong is only noted.
class Watch final : public kj::ExceptionCallback {
 public:
  void logMessage(kj::LogSeverity severity, const char* file, int line, int contextDepth, kj::String&& text) override {
    bool clientsFault = contains(text, "a Kafka connection is closed: ");
    if (severity < kj::LogSeverity::WARNING || clientsFault) return;
    fprintf(stderr, "%s:%d: %s\n", file, line, text.cStr());
    abort();
  }

 private:
  static bool contains(kj::StringPtr text, const char* part) { return strstr(text.cStr(), part) != nullptr; }
};

class Numbers final : public Entropy {
 public:
  void generate(kj::ArrayPtr<kj::byte> buffer) const override {
    for (auto& byte : buffer)
      byte = static_cast<kj::byte>((state_ = state_ * 6364136223846793005u + 1442695040888963407u) >> 56);
  }

 private:
  mutable uint64_t state_ = 1;
};

class MemoryEngines final : public EngineFactory {
 public:
  kj::Own<StorageEngine> open(kj::StringPtr, EngineOptions options) override {
    return openMemoryEngine(store_, kj::mv(options));
  }

 private:
  MemoryStore store_;
};

class NoMoreLoops final : public LoopStarter {
 public:
  kj::Own<Loop> start(unsigned, kj::Function<kj::Promise<void>(LoopContext&)>) override {
    KJ_FAIL_REQUIRE("there is one loop");
  }
};

kj::AsyncIoContext& io() {
  static kj::AsyncIoContext io = kj::setupAsyncIo();
  return io;
}

// A broker with a topic "words" of two partitions.
class Machine {
 public:
  Machine() {
    settings_.limits.frameBytesMax = mebibytes(1);
    settings_.limits.fetchSessionsMax = 8;
    settings_.limits.fetchWaitMsMax = 100;
    BrokerConfig config{
        .cores = 1, .logEngine = kj::str("native"), .stateEngine = kj::str("native"), .partitionsMax = 64};
    broker_ = kj::heap<Broker>(world_, kj::mv(config), loop_);
    broker_
        ->start([this](LocalBroker& local, LoopContext& loop) -> kj::Own<Door> {
          auto receivers = kj::heapArrayBuilder<kj::Own<kj::ConnectionReceiver>>(1);
          receivers.add(kj::Own<kj::ConnectionReceiver>(&loopback_, kj::NullDisposer::instance));
          return kj::heap<KafkaDoor>(local, loop, entropy_, settings_, counts_, answers_, receivers.finish());
        })
        .wait(io().waitScope);
    auto made = broker_->local().createTopic(NewTopic{.name = kj::str("words"), .partitions = 2}).wait(io().waitScope);
    KJ_REQUIRE(made.ok());
  }
  ~Machine() noexcept(false) {
    auto stopping = broker_->stop();
    settle(stopping);
  }

  void serve(ByteView bytes) {
    auto client = loopback_.connect();
    auto reading = readAll(*client).eagerlyEvaluate(nullptr);
    // Goes when everything must have been answered: what a client that goes earlier has not taken may be lost.
    auto writing = client->write(bytes.begin(), bytes.size())
                       .then([&] { return timer_.afterDelay(200 * kj::SECONDS); })
                       .then([&] { client->shutdownWrite(); })
                       .eagerlyEvaluate([](kj::Exception&&) {});  // cut off before the end
    settle(reading);
    auto answers = reading.wait(io().waitScope);
    ByteReader in(answers);
    while (in.remaining() > 0 && !in.failed()) {
      auto size = in.int32();
      KJ_REQUIRE(size >= 4, "an answer that is none", size);
      in.bytes(static_cast<size_t>(size));
    }
    KJ_REQUIRE(!in.failed(), "an answer was cut off");
  }

 private:
  static kj::Promise<kj::Array<kj::byte>> readAll(kj::AsyncIoStream& from) {
    ByteWriter all;
    kj::byte buffer[4096];
    while (size_t got = co_await from.tryRead(buffer, 1, sizeof(buffer)))
      all.bytes(kj::arrayPtr(buffer, got));
    co_return all.finish();
  }
  // Lets time pass, as much as it takes.
  template <class T>
  void settle(kj::Promise<T>& promise) {
    constexpr int kStepsMax = 100'000;
    for (int step = 0; !promise.poll(io().waitScope); ++step) {
      KJ_REQUIRE(step < kStepsMax, "it does not come to an end");
      auto next = timer_.nextEvent();
      timer_.advanceTo(KJ_REQUIRE_NONNULL(next, "nothing will ever happen"));
    }
  }

  MemoryFileSystem files_;
  VirtualClock clock_;
  Numbers entropy_;
  InlineWorkPool pool_;
  NoMoreLoops loops_;
  MemoryEngines engines_;
  kj::TimerImpl timer_{kj::origin<kj::TimePoint>()};
  LoopContext loop_{timer_, *io().lowLevelProvider};
  LogLevelSwitch logLevel_{LogLevel::kWarn};
  World world_{files_, clock_, entropy_, pool_, loops_, engines_, logLevel_, pool_};
  Loopback loopback_;
  KafkaSettings settings_;
  DoorCounts counts_{10'000};
  SharedBudget answers_{SharedBudget::Limits{}};
  kj::Own<Broker> broker_;
};

kj::Array<kj::byte> framed(ByteView input) {
  auto& api = apis()[input[1] % apis().size()];
  auto version = static_cast<Version>(api.served.first + input[2] % (api.served.last - api.served.first + 1));
  ByteWriter out;
  out.int32(0);
  out.int16(api.key);
  out.int16(version);
  out.int32(1);
  out.int16(-1);
  if (api.flexible(version)) out.int8(0);
  out.bytes(input.slice(3, input.size()));
  storeBigEndian(out.written().begin(), static_cast<int32_t>(out.size() - 4));
  return out.finish();
}

void one(ByteView input) {
  Watch watch;
  io();  // outlives the broker
  // Topics and records pile up; a new broker from time to time keeps inputs independent enough.
  static std::unique_ptr<Machine> machine;
  static unsigned served = 0;
  constexpr unsigned kServedMax = 2000;
  if (input.size() < 3) return;
  if (machine == nullptr || ++served % kServedMax == 0) {
    machine = nullptr;
    machine = std::make_unique<Machine>();
  }
  if (input[0] % 2 == 1) {
    machine->serve(framed(input));
  } else {
    machine->serve(input.slice(1, input.size()));
  }
}

}  // namespace
}  // namespace cambium::kafka

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cambium::kafka::one(kj::arrayPtr(data, size));
  return 0;
}
