#include "engine/base/buffered_stream.h"

#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <sys/socket.h>

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include "engine/base/coroutine.h"
#include "engine/base/quantity.h"
#include "schema/cambium.capnp.h"

namespace cambium {
namespace {

struct InnerCounts {
  size_t reads = 0;
  size_t writes = 0;
  size_t bytesWritten = 0;
  size_t shutdowns = 0;
};

// Forwards to a stream and counts; writes can be held up or made to fail.
class ProbeStream final : public kj::AsyncIoStream {
 public:
  ProbeStream(kj::Own<kj::AsyncIoStream> inner, InnerCounts& counts) : inner_(kj::mv(inner)), counts_(counts) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    ++counts_.reads;
    // A read of just what the user asked for has no slack.
    if (maxBytes > minBytes) largestBuffered = kj::max(largestBuffered, maxBytes);
    return inner_->tryRead(buffer, minBytes, maxBytes);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override {
    ++counts_.writes;
    counts_.bytesWritten += size;
    KJ_IF_MAYBE(e, failure) return kj::cp(*e);
    return inner_->write(buffer, size);
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    ++counts_.writes;
    for (auto& piece : pieces)
      counts_.bytesWritten += piece.size();
    KJ_IF_MAYBE(e, failure) return kj::cp(*e);
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return kj::NEVER_DONE; }
  void shutdownWrite() override {
    ++counts_.shutdowns;
    inner_->shutdownWrite();
  }
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  kj::Maybe<int> getFd() const override { return inner_->getFd(); }

  kj::Maybe<kj::Exception> failure;
  size_t largestBuffered = 0;  // asked for at most by a read ahead

 private:
  kj::Own<kj::AsyncIoStream> inner_;
  InnerCounts& counts_;
};

kj::Array<kj::byte> pattern(size_t size, uint32_t seed) {
  std::minstd_rand random(seed);
  auto bytes = kj::heapArray<kj::byte>(size);
  for (auto& b : bytes)
    b = static_cast<kj::byte>(random());
  return bytes;
}

class BufferedStreamTest : public ::testing::Test {
 public:
  ~BufferedStreamTest() noexcept override = default;

 protected:
  // A buffered stream over one end of an in-process pipe (which holds nothing itself); `peer` is the other end.
  void openPipe(BufferedStreamOptions options = {}) {
    auto pipe = kj::newTwoWayPipe();
    auto probe = kj::heap<ProbeStream>(kj::mv(pipe.ends[0]), counts);
    inner = probe.get();
    stream = newBufferedStream(kj::mv(probe), options);
    peer = kj::mv(pipe.ends[1]);
  }
  kj::Array<kj::byte> readFromPeer(size_t size) {
    auto bytes = kj::heapArray<kj::byte>(size);
    peer->read(bytes.begin(), size).wait(io.waitScope);
    return bytes;
  }
  // Lets everything run that can run by itself.
  void settle() { kj::Promise<void>(kj::NEVER_DONE).poll(io.waitScope); }
  template <class P>
  kj::String failureOf(P&& promise) {
    auto e = kj::runCatchingExceptions([&] { promise.wait(io.waitScope); });
    KJ_IF_MAYBE(exception, e) return kj::str(exception->getDescription());
    return kj::str("no failure");
  }

  kj::AsyncIoContext io = kj::setupAsyncIo();
  InnerCounts counts;
  ProbeStream* inner = nullptr;
  kj::Own<BufferedStream> stream;
  kj::Own<kj::AsyncIoStream> peer;
};

TEST_F(BufferedStreamTest, GathersTheWritesOfOneTurn) {
  openPipe();
  for (int i = 0; i < 100; ++i)
    stream->write("abc", 3).wait(io.waitScope);
  EXPECT_EQ(counts.writes, 0u);
  auto got = readFromPeer(300);
  EXPECT_EQ(counts.writes, 1u);
  EXPECT_EQ(memcmp(got.begin(), "abcabc", 6), 0);
}

TEST_F(BufferedStreamTest, CopiesSmallWrites) {
  openPipe();
  auto bytes = pattern(1000, 1);
  auto expected = kj::heapArray<kj::byte>(bytes);
  stream->write(bytes.begin(), bytes.size()).wait(io.waitScope);
  memset(bytes.begin(), 0, bytes.size());
  EXPECT_TRUE(readFromPeer(1000) == expected);
}

TEST_F(BufferedStreamTest, LargeWritesGoAtOnceBehindWhatIsBuffered) {
  openPipe();
  auto large = pattern(200'000, 2);
  stream->write("head", 4).wait(io.waitScope);
  auto written = stream->write(large.begin(), large.size());
  EXPECT_FALSE(written.poll(io.waitScope));  // its bytes are not copied: it waits for the peer
  auto got = readFromPeer(200'004);
  written.wait(io.waitScope);
  EXPECT_EQ(counts.writes, 1u);
  EXPECT_EQ(memcmp(got.begin(), "head", 4), 0);
  EXPECT_TRUE(got.slice(4, got.size()) == large);
}

TEST_F(BufferedStreamTest, LargeWriteWaitsForAFlushInProgress) {
  openPipe();
  stream->write("first", 5).wait(io.waitScope);
  settle();
  ASSERT_EQ(counts.writes, 1u);  // the peer has not read it
  auto large = pattern(100'000, 3);
  auto written = stream->write(large.begin(), large.size());
  EXPECT_FALSE(written.poll(io.waitScope));
  EXPECT_EQ(counts.writes, 1u);
  auto got = readFromPeer(100'005);
  written.wait(io.waitScope);
  stream->write("last", 4).wait(io.waitScope);
  EXPECT_EQ(memcmp(got.begin(), "first", 5), 0);
  EXPECT_TRUE(got.slice(5, got.size()) == large);
  EXPECT_EQ(memcmp(readFromPeer(4).begin(), "last", 4), 0);
}

TEST_F(BufferedStreamTest, WriterOfAPeerThatDoesNotReadWaits) {
  openPipe({.writeHighWaterBytes = 10'000});
  auto piece = pattern(1000, 4);
  size_t accepted = 0;
  kj::Promise<void> last = kj::READY_NOW;
  while (accepted < 1000) {
    last = stream->write(piece.begin(), piece.size());
    if (!last.poll(io.waitScope)) break;
    ++accepted;
  }
  // One flush with the peer, one full buffer behind it.
  EXPECT_GE(accepted, 10u);
  EXPECT_LE(accepted, 21u);
  auto got = readFromPeer((accepted + 1) * 1000);
  last.wait(io.waitScope);
  for (size_t i = 0; i <= accepted; ++i)
    EXPECT_TRUE(got.slice(i * 1000, i * 1000 + 1000) == piece);
}

TEST_F(BufferedStreamTest, LateFailureReachesLaterWritesAndWhenWriteDisconnected) {
  openPipe();
  auto disconnected = stream->whenWriteDisconnected();
  inner->failure = KJ_EXCEPTION(DISCONNECTED, "the cable was cut");
  stream->write("abc", 3).wait(io.waitScope);
  EXPECT_FALSE(counts.writes > 0);
  disconnected.wait(io.waitScope);
  stream->whenWriteDisconnected().wait(io.waitScope);
  EXPECT_EQ(failureOf(stream->write("abc", 3)), "the cable was cut"_kj);
  auto large = pattern(100'000, 5);
  EXPECT_EQ(failureOf(stream->write(large.begin(), large.size())), "the cable was cut"_kj);
  EXPECT_ANY_THROW(stream->shutdownWrite());
  EXPECT_EQ(counts.writes, 1u);
}

TEST_F(BufferedStreamTest, FailureReachesAWriterThatWaits) {
  openPipe({.writeHighWaterBytes = 10});
  stream->write("0123456789", 10).wait(io.waitScope);
  settle();
  auto waits = stream->write("0123456789a", 11);
  EXPECT_FALSE(waits.poll(io.waitScope));
  peer = nullptr;
  EXPECT_NE(failureOf(waits), "no failure"_kj);
}

TEST_F(BufferedStreamTest, FailureOfALargeWriteSticks) {
  openPipe();
  auto large = pattern(100'000, 5);
  inner->failure = KJ_EXCEPTION(DISCONNECTED, "the cable was cut");
  EXPECT_EQ(failureOf(stream->write(large.begin(), large.size())), "the cable was cut"_kj);
  inner->failure = nullptr;
  EXPECT_EQ(failureOf(stream->write("abc", 3)), "the cable was cut"_kj);
}

TEST_F(BufferedStreamTest, DroppedLargeWriteBreaksTheStream) {
  openPipe();
  auto large = pattern(100'000, 6);
  {
    auto dropped = stream->write(large.begin(), large.size());
    EXPECT_FALSE(dropped.poll(io.waitScope));
  }
  EXPECT_EQ(failureOf(stream->write("abc", 3)),
            "an earlier write to this stream was dropped before it was complete"_kj);
}

TEST_F(BufferedStreamTest, FlushedWhenThePeerHasEverything) {
  openPipe();
  stream->flushed().wait(io.waitScope);
  stream->write("abc", 3).wait(io.waitScope);
  auto flushed = stream->flushed();
  EXPECT_FALSE(flushed.poll(io.waitScope));
  // Written while the first is with the peer: counts as well.
  stream->write("def", 3).wait(io.waitScope);
  readFromPeer(3);
  EXPECT_FALSE(flushed.poll(io.waitScope));
  EXPECT_FALSE(stream->flushed().poll(io.waitScope));
  readFromPeer(3);
  flushed.wait(io.waitScope);
  stream->flushed().wait(io.waitScope);
  EXPECT_EQ(counts.writes, 2u);
}

TEST_F(BufferedStreamTest, AFlushNowDoesNotWaitForTheEndOfTheTurn) {
  openPipe();
  stream->flushNow();
  stream->write("abc", 3).wait(io.waitScope);
  EXPECT_EQ(counts.writes, 0u);
  stream->flushNow();
  EXPECT_EQ(counts.writes, 1u);
  // The peer has not taken it yet: what is written now goes after it, as ever.
  stream->write("de", 2).wait(io.waitScope);
  stream->flushNow();
  EXPECT_EQ(counts.writes, 1u);
  EXPECT_EQ(kj::heapString(readFromPeer(3).asChars()), "abc"_kj);
  settle();
  stream->write("f", 1).wait(io.waitScope);
  EXPECT_EQ(kj::heapString(readFromPeer(3).asChars()), "def"_kj);
  settle();
  EXPECT_EQ(counts.writes, 3u);
  // In the middle of a turn that has a flush waiting, and again in the next one.
  for (int turn = 0; turn < 3; ++turn) {
    stream->write("x", 1).wait(io.waitScope);
    stream->flushNow();
    stream->write("y", 1).wait(io.waitScope);
    EXPECT_EQ(kj::heapString(readFromPeer(2).asChars()), "xy"_kj);
    settle();
  }
}

TEST_F(BufferedStreamTest, NothingIsFlushedAfterAFailure) {
  openPipe();
  stream->write("abc", 3).wait(io.waitScope);
  settle();
  auto flushed = stream->flushed();
  peer = nullptr;
  EXPECT_NE(failureOf(flushed), "no failure"_kj);
  EXPECT_NE(failureOf(stream->flushed()), "no failure"_kj);
}

TEST_F(BufferedStreamTest, ShutdownFlushesFirst) {
  openPipe();
  stream->write("bye", 3).wait(io.waitScope);
  stream->shutdownWrite();
  EXPECT_EQ(counts.shutdowns, 0u);
  kj::byte buffer[10];
  EXPECT_EQ(peer->tryRead(buffer, 10, 10).wait(io.waitScope), 3u);
  EXPECT_EQ(counts.shutdowns, 1u);
}

TEST_F(BufferedStreamTest, DroppedWithAFlushInFlight) {
  openPipe();
  stream->write("abc", 3).wait(io.waitScope);
  settle();
  ASSERT_EQ(counts.writes, 1u);
  stream->write("def", 3).wait(io.waitScope);
  stream = nullptr;
  kj::byte buffer[10];
  EXPECT_EQ(peer->tryRead(buffer, 1, 10).wait(io.waitScope), 0u);
}

TEST_F(BufferedStreamTest, DroppedBeforeTheFlushOffersItsBytesToASocket) {
  auto pipe = io.provider->newTwoWayPipe();
  stream = newBufferedStream(kj::mv(pipe.ends[0]));
  stream->write("last words", 10).wait(io.waitScope);
  stream = nullptr;
  EXPECT_EQ(pipe.ends[1]->readAllText().wait(io.waitScope), "last words"_kj);
}

// A connection that ends because its client has gone is destroyed while that failure is on its way, when kj logs what
// it cannot throw.
TEST_F(BufferedStreamTest, DroppedForAnotherFailureItKeepsItsOwnToItself) {
  struct Lines final : public kj::ExceptionCallback {
    void logMessage(kj::LogSeverity, const char*, int, int, kj::String&& text) override { all.add(kj::mv(text)); }
    kj::Vector<kj::String> all;
  };
  auto pipe = io.provider->newTwoWayPipe();
  pipe.ends[1] = nullptr;
  Lines lines;
  auto reason = kj::runCatchingExceptions([&] {
    auto dropped = newBufferedStream(kj::mv(pipe.ends[0]));
    auto written = dropped->write("an answer", 9);
    kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "the client has gone"));
  });
  EXPECT_EQ(KJ_ASSERT_NONNULL(reason).getDescription(), "the client has gone"_kj);
  EXPECT_EQ(kj::strArray(lines.all, "\n"), ""_kj);
}

TEST_F(BufferedStreamTest, AConnectionThatTimesOutIsADisconnect) {
  openPipe();
  inner->failure = KJ_EXCEPTION(OVERLOADED, "writev(): Connection timed out");
  stream->write("abc", 3).wait(io.waitScope);
  settle();
  auto failure = kj::runCatchingExceptions([&] { stream->write("def", 3).wait(io.waitScope); });
  EXPECT_EQ(KJ_ASSERT_NONNULL(failure).getType(), kj::Exception::Type::DISCONNECTED);
}

// A loop that is never idle comes to no end of a turn.
TEST_F(BufferedStreamTest, MuchIsOfferedBeforeTheEndOfTheTurn) {
  openPipe();
  auto bytes = pattern(20'000, 1);
  auto reading = peer->tryRead(bytes.begin(), 1, bytes.size());
  for (int i = 0; i < 4; ++i)
    stream->write(bytes.begin(), bytes.size()).wait(io.waitScope);
  EXPECT_EQ(counts.writes, 1u);
}

// The first has little room, as it may wait for long; the second takes the rest.
TEST_F(BufferedStreamTest, SmallReadsShareTwoReadsOfTheInnerStream) {
  openPipe();
  auto bytes = pattern(3000, 7);
  auto writing = peer->write(bytes.begin(), bytes.size());
  for (size_t i = 0; i < 1000; ++i) {
    kj::byte three[3];
    stream->read(three, 3).wait(io.waitScope);
    ASSERT_TRUE(kj::arrayPtr(three, 3) == bytes.slice(3 * i, 3 * i + 3));
  }
  EXPECT_EQ(counts.reads, 2u);
  writing.wait(io.waitScope);
}

TEST_F(BufferedStreamTest, LargeReadGoesStraightIntoTheCallersBuffer) {
  openPipe();
  auto bytes = pattern(500'000, 8);
  auto writing = peer->write(bytes.begin(), bytes.size());
  auto got = kj::heapArray<kj::byte>(500'000);
  stream->read(got.begin(), 10).wait(io.waitScope);  // leaves something in the buffer
  EXPECT_EQ(stream->tryRead(got.begin() + 10, 499'990, 499'990).wait(io.waitScope), 499'990u);
  EXPECT_TRUE(got == bytes);
  EXPECT_LE(counts.reads, 2u);
  writing.wait(io.waitScope);
}

// A head and a large body, over and over: what is read ahead of a body is copied twice, so little is. Small reads bring
// the full read-ahead back.
TEST_F(BufferedStreamTest, ReadsLittleAheadOfLargeReads) {
  openPipe();
  auto bytes = pattern(800'000, 12);
  auto got = kj::heapArray<kj::byte>(bytes.size());
  auto writing = peer->write(bytes.begin(), bytes.size());
  size_t at = 0;
  auto read = [&](size_t size) {
    stream->read(got.begin() + at, size).wait(io.waitScope);
    at += size;
  };
  for (int message = 0; message < 5; ++message) {
    read(8);
    read(99'992);
    EXPECT_LE(inner->largestBuffered, 4096u) << message;
  }
  auto readsBefore = counts.reads;
  while (at < bytes.size())
    read(1000);
  EXPECT_LE(counts.reads - readsBefore, 300'000u / (64 << 10) + 3);
  EXPECT_TRUE(got == bytes);
  writing.wait(io.waitScope);
}

TEST_F(BufferedStreamTest, ReadBoundsAreExact) {
  openPipe();
  auto writing = peer->write("0123456789", 10);
  kj::byte buffer[20];
  EXPECT_EQ(stream->tryRead(buffer, 2, 4).wait(io.waitScope), 4u);
  EXPECT_EQ(stream->tryRead(buffer, 0, 0).wait(io.waitScope), 0u);
  auto waits = stream->tryRead(buffer, 7, 20);
  EXPECT_FALSE(waits.poll(io.waitScope));
  writing.wait(io.waitScope);
  auto more = peer->write("abc", 3);
  EXPECT_EQ(waits.wait(io.waitScope), 9u);
  more.wait(io.waitScope);
  EXPECT_EQ(memcmp(buffer, "456789abc", 9), 0);
  auto atEnd = stream->tryRead(buffer, 5, 20);
  peer->write("xy", 2).wait(io.waitScope);
  peer->shutdownWrite();
  EXPECT_EQ(atEnd.wait(io.waitScope), 2u);  // fewer than asked for: the end
  EXPECT_EQ(stream->tryRead(buffer, 1, 20).wait(io.waitScope), 0u);
}

TEST_F(BufferedStreamTest, DroppedReadLosesNothing) {
  openPipe();
  {
    kj::byte buffer[100];
    auto dropped = stream->tryRead(buffer, 100, 100);
    peer->write("abc", 3).wait(io.waitScope);
    EXPECT_FALSE(dropped.poll(io.waitScope));
  }
  kj::byte buffer[6];
  auto rest = stream->tryRead(buffer, 6, 6);
  peer->write("def", 3).wait(io.waitScope);
  EXPECT_EQ(rest.wait(io.waitScope), 6u);
  EXPECT_EQ(memcmp(buffer, "abcdef", 6), 0);
}

kj::Promise<void> writeRandomly(kj::AsyncIoStream& to, ByteView data, uint32_t seed) {
  std::minstd_rand random(seed);
  while (data.size() > 0) {
    size_t n = random() % 8 == 0 ? random() % 90'000 : random() % 600;
    n = kj::min(n, data.size());
    if (random() % 2 == 0) {
      co_await to.write(data.begin(), n);
    } else {
      size_t cut = n == 0 ? 0 : random() % n;
      ByteView pieces[] = {data.slice(0, cut), data.slice(cut, n)};
      co_await to.write(kj::arrayPtr(pieces, 2));
    }
    data = data.slice(n, data.size());
    if (random() % 16 == 0) co_await kj::evalLast([] {});
  }
  to.shutdownWrite();
}

kj::Promise<void> readRandomly(kj::AsyncIoStream& from, ByteView expected, uint32_t seed) {
  std::minstd_rand random(seed);
  while (true) {
    size_t max = random() % 8 == 0 ? 1 + random() % 200'000 : 1 + random() % 700;
    size_t min = 1 + random() % max;
    auto buffer = kj::heapArray<kj::byte>(max);
    size_t n = co_await from.tryRead(buffer.begin(), min, max);
    KJ_ASSERT(n <= max && n <= expected.size());
    KJ_ASSERT(memcmp(buffer.begin(), expected.begin(), n) == 0);
    expected = expected.slice(n, expected.size());
    if (n < min) break;
  }
  KJ_ASSERT(expected.size() == 0, "ended early", expected.size());
}

TEST_F(BufferedStreamTest, RandomReadsAndWritesBothWays) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    BufferedStreamOptions options{.readAheadBytes = seed % 3 == 0 ? 100u : 64u << 10,
                                  .writeThroughBytes = seed % 2 == 0 ? 500u : 32u << 10,
                                  .writeHighWaterBytes = seed % 5 == 0 ? 50u : 256u << 10};
    kj::Own<kj::AsyncIoStream> a;
    kj::Own<kj::AsyncIoStream> b;
    if (seed % 2 == 0) {
      auto pipe = io.provider->newTwoWayPipe();  // a socket pair
      a = newBufferedStream(kj::mv(pipe.ends[0]), options);
      b = newBufferedStream(kj::mv(pipe.ends[1]), options);
    } else {
      auto pipe = kj::newTwoWayPipe();
      a = newBufferedStream(kj::mv(pipe.ends[0]), options);
      b = newBufferedStream(kj::mv(pipe.ends[1]), options);
    }
    auto there = pattern(1'000'000, seed);
    auto back = pattern(700'000, seed + 100);
    kj::Vector<kj::Promise<void>> all;
    all.add(writeRandomly(*a, there, seed));
    all.add(readRandomly(*b, there, seed + 1));
    all.add(writeRandomly(*b, back, seed + 2));
    all.add(readRandomly(*a, back, seed + 3));
    kj::joinPromises(all.releaseAsArray()).wait(io.waitScope);
  }
}

// --- Under RPC.

class EchoBroker final : public rpc::Broker::Server {
 public:
  kj::Promise<void> info(InfoContext context) override {
    context.getResults().initInfo().setBrokerId(calls++);
    return kj::READY_NOW;
  }
  int calls = 0;
};

struct RpcEnd {
  RpcEnd(kj::Own<kj::AsyncIoStream> s, capnp::rpc::twoparty::Side side, kj::Maybe<capnp::Capability::Client> bootstrap)
      : stream(kj::mv(s)), network(*stream, side) {
    KJ_IF_MAYBE(cap, bootstrap) {
      system.emplace(capnp::makeRpcServer(network, *cap));
    } else {
      system.emplace(capnp::makeRpcClient(network));
    }
  }
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  std::optional<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> system;
};

TEST_F(BufferedStreamTest, PipelinedCallsShareWritesOnASocketPair) {
  auto pipe = io.provider->newTwoWayPipe();
  InnerCounts serverCounts;
  auto clientProbe = kj::heap<ProbeStream>(kj::mv(pipe.ends[0]), counts);
  auto serverProbe = kj::heap<ProbeStream>(kj::mv(pipe.ends[1]), serverCounts);
  RpcEnd server(newBufferedStream(kj::mv(serverProbe)), capnp::rpc::twoparty::Side::SERVER,
                capnp::Capability::Client(kj::heap<EchoBroker>()));
  RpcEnd client(newBufferedStream(kj::mv(clientProbe)), capnp::rpc::twoparty::Side::CLIENT, nullptr);
  capnp::MallocMessageBuilder message;
  auto vatId = message.getRoot<capnp::rpc::twoparty::VatId>();
  vatId.setSide(capnp::rpc::twoparty::Side::SERVER);
  auto broker = client.system->bootstrap(vatId).castAs<rpc::Broker>();
  broker.infoRequest().send().wait(io.waitScope);

  counts = InnerCounts();
  serverCounts = InnerCounts();
  kj::Vector<kj::Promise<void>> calls;
  for (int i = 0; i < 100; ++i) {
    calls.add(broker.infoRequest().send().then(
        [i](auto response) { KJ_ASSERT(response.getInfo().getBrokerId() == i + 1, "answers out of order"); }));
  }
  kj::joinPromises(calls.releaseAsArray()).wait(io.waitScope);
  // Without gathering each call and each answer is a write of its own.
  EXPECT_LE(counts.writes, 4u);
  EXPECT_LE(serverCounts.writes, 4u);
  EXPECT_LE(serverCounts.reads, 8u);
  EXPECT_TRUE(client.stream->getFd() != nullptr);
  int sndbuf = 0;
  kj::uint length = sizeof(sndbuf);
  client.stream->getsockopt(SOL_SOCKET, SO_SNDBUF, &sndbuf, &length);
  EXPECT_GT(sndbuf, 0);
}

TEST_F(BufferedStreamTest, CallsFailWhenThePeerGoes) {
  auto pipe = io.provider->newTwoWayPipe();
  auto server = kj::heap<RpcEnd>(newBufferedStream(kj::mv(pipe.ends[1])), capnp::rpc::twoparty::Side::SERVER,
                                 capnp::Capability::Client(kj::heap<EchoBroker>()));
  RpcEnd client(newBufferedStream(kj::mv(pipe.ends[0])), capnp::rpc::twoparty::Side::CLIENT, nullptr);
  capnp::MallocMessageBuilder message;
  message.getRoot<capnp::rpc::twoparty::VatId>().setSide(capnp::rpc::twoparty::Side::SERVER);
  auto broker = client.system->bootstrap(message.getRoot<capnp::rpc::twoparty::VatId>()).castAs<rpc::Broker>();
  broker.infoRequest().send().wait(io.waitScope);
  server = nullptr;
  auto call = broker.infoRequest().send();
  auto e = kj::runCatchingExceptions([&] { call.wait(io.waitScope); });
  EXPECT_EQ(KJ_ASSERT_NONNULL(e).getType(), kj::Exception::Type::DISCONNECTED);
  client.network.onDisconnect().wait(io.waitScope);
}

}  // namespace
}  // namespace cambium
