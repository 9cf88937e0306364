#include "server/kafka/frame_reader.h"

#include <deque>
#include <gtest/gtest.h>
#include <random>

#include <kj/async-io.h>
#include <kj/debug.h>

#include "engine/base/byte_cursor.h"

namespace cambium::kafka {
namespace {

kj::Array<kj::byte> body(size_t size, uint32_t seed) {
  std::minstd_rand random(seed + 1);
  auto bytes = kj::heapArray<kj::byte>(size);
  for (auto& b : bytes)
    b = static_cast<kj::byte>(random() >> 8);
  return bytes;
}

void addFrame(kj::Vector<kj::byte>& out, kj::ArrayPtr<const kj::byte> bytes) {
  kj::byte length[4];
  storeBigEndian(length, static_cast<int32_t>(bytes.size()));
  out.addAll(kj::arrayPtr(length, sizeof(length)));
  out.addAll(bytes);
}

// What the system would do: hands over as much as there is, at once.
class ArrivedBytes final : public kj::AsyncIoStream {
 public:
  void arrive(kj::ArrayPtr<const kj::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    goOn();
  }
  void end() {
    ended_ = true;
    goOn();
  }

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    ++reads;
    if (maxBytes >= kLargeReadBytes) writtenBeforeLargeRead = written;
    auto* into = static_cast<kj::byte*>(buffer);
    auto size = kj::min(maxBytes, bytes_.size());
    std::copy_n(bytes_.begin(), size, into);
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(size));
    if (size >= minBytes || ended_) return size;
    auto paf = kj::newPromiseAndFulfiller<void>();
    goesOn_ = kj::mv(paf.fulfiller);
    return paf.promise
        .then([this, into, size, minBytes, maxBytes] {
          --reads;
          return tryRead(into + size, minBytes - size, maxBytes - size);
        })
        .then([size](size_t more) { return size + more; });
  }
  kj::Promise<void> write(const void*, size_t size) override {
    written += size;
    return kj::READY_NOW;
  }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>>) override { KJ_UNREACHABLE; }
  kj::Promise<void> whenWriteDisconnected() override { return kj::NEVER_DONE; }
  void shutdownWrite() override {}

  static constexpr size_t kLargeReadBytes = 50'000;

  size_t reads = 0;
  size_t written = 0;
  size_t writtenBeforeLargeRead = 0;

 private:
  void goOn() {
    KJ_IF_MAYBE(fulfiller, goesOn_) (*fulfiller)->fulfill();
    goesOn_ = nullptr;
  }

  std::deque<kj::byte> bytes_;
  bool ended_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> goesOn_;
};

// Connections that share a budget of two halves of 8 MiB, on virtual time.
class FrameReaderTest : public ::testing::Test {
 public:
  ~FrameReaderTest() noexcept override = default;

 protected:
  struct Connection {
    explicit Connection(FrameReaderTest& test, kj::Own<ArrivedBytes> arrived = kj::heap<ArrivedBytes>())
        : client(*arrived),
          stream(newBufferedStream(kj::mv(arrived))),
          reader(*stream, test.limits, *test.budgets, test.timer) {}

    ArrivedBytes& client;
    kj::Own<BufferedStream> stream;
    FrameReader reader;

    kj::Promise<FrameReader::Outcome> begin() { return reader.next().eagerlyEvaluate(nullptr); }
    void arrive(std::initializer_list<size_t> sizes) {
      kj::Vector<kj::byte> bytes;
      for (auto size : sizes)
        addFrame(bytes, body(size, static_cast<uint32_t>(size)));
      client.arrive(bytes);
    }
  };

  Frame next(Connection& from) {
    auto outcome = from.begin().wait(scope);
    KJ_REQUIRE(outcome.is<Frame>(), "no frame came");
    return kj::mv(outcome.get<Frame>());
  }
  kj::String faultOf(kj::Promise<FrameReader::Outcome> outcome) {
    auto ended = outcome.wait(scope);
    KJ_REQUIRE(ended.is<FrameReader::End>(), "a frame came");
    KJ_IF_MAYBE(fault, ended.get<FrameReader::End>().fault) return kj::mv(*fault);
    return kj::str("none");
  }
  static bool isIntact(const Frame& frame) {
    return frame.bytes == body(frame.bytes.size(), static_cast<uint32_t>(frame.bytes.size())).asPtr();
  }
  // Lets everything run that can run by itself.
  void settle() { kj::Promise<void>(kj::NEVER_DONE).poll(scope); }
  void advance(int64_t ms) {
    settle();
    now += ms * kj::MILLISECONDS;
    timer.advanceTo(now);
    settle();
  }
  uint64_t heldBy(size_t request) { return budgets->of(Bytes(request)).held().value(); }
  uint64_t held() { return heldBy(kSmall) + heldBy(kLarge); }

  static constexpr size_t kSmall = 100;
  static constexpr size_t kMedium = 64'000;  // read into a chunk
  static constexpr size_t kLarge = 1'500'000;

  kj::EventLoop loop;
  kj::WaitScope scope{loop};
  kj::TimePoint now = kj::origin<kj::TimePoint>();
  kj::TimerImpl timer{now};
  KafkaLimits limits;
  kj::Own<RequestBudgets> budgets = kj::refcounted<RequestBudgets>(mebibytes(16), mebibytes(1));
  Connection one{*this};
};

TEST_F(FrameReaderTest, FramesOfEverySizeComeOutAsTheyWereSent) {
  std::minstd_rand random(7);
  const size_t sizes[] = {8,      100,     4096,    8191,    8192,    20'000, kMedium,
                          65'536, 300'000, 524'284, 524'288, 600'000, 3 << 20};
  std::deque<size_t> sent;
  kj::Vector<kj::byte> bytes;
  for (int i = 0; i < 300; ++i) {
    sent.push_back(sizes[random() % kj::size(sizes)] + random() % 3);
    addFrame(bytes, body(sent.back(), static_cast<uint32_t>(sent.back())));
  }
  std::deque<Frame> kept;  // some are served for longer than others
  auto frame = one.begin();
  size_t arrived = 0;
  for (size_t at = 0; at < bytes.size();) {
    auto part = kj::min(bytes.size() - at, random() % 2 ? random() % 5000 : random() % 2'000'000);
    one.client.arrive(bytes.slice(at, at + part));
    at += part;
    while (frame.poll(scope)) {
      auto outcome = frame.wait(scope);
      ASSERT_TRUE(outcome.is<Frame>()) << arrived;
      ASSERT_EQ(outcome.get<Frame>().bytes.size(), sent[arrived]);
      ASSERT_TRUE(isIntact(outcome.get<Frame>())) << arrived << ": " << sent[arrived];
      ++arrived;
      if (kept.size() < 3) kept.push_back(kj::mv(outcome.get<Frame>()));
      if (random() % 4 == 0) {
        ASSERT_TRUE(isIntact(kept.front())) << "it was written over";
        kept.pop_front();
      }
      frame = one.begin();
    }
  }
  EXPECT_EQ(arrived, sent.size());
  one.client.end();
  EXPECT_EQ(faultOf(kj::mv(frame)), "none"_kj);
  kept.clear();
  EXPECT_EQ(held(), 0u);
}

TEST_F(FrameReaderTest, FramesThatCameTogetherShareAReadAndMemory) {
  one.arrive({kMedium, kMedium, kMedium, kMedium, kMedium, kMedium});
  auto first = next(one);
  EXPECT_EQ(one.client.reads, 2u) << "one for the first head, one for all the rest";
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(next(one).memory.get(), first.memory.get());
  EXPECT_EQ(one.client.reads, 2u);
}

TEST_F(FrameReaderTest, AChunkIsUsedAgainWhenItsFramesAreServed) {
  one.arrive({kMedium});
  auto* memory = next(one).memory.get();
  for (int i = 0; i < 20; ++i) {
    one.client.reads = 0;
    one.arrive({kMedium, kMedium, kMedium});
    for (int frame = 0; frame < 3; ++frame)
      EXPECT_EQ(next(one).memory.get(), memory);
    EXPECT_EQ(one.client.reads, 1u);
  }
}

TEST_F(FrameReaderTest, FramesInServiceAreNotWrittenOver) {
  kj::Vector<Frame> served;
  for (size_t i = 0; i < 12; ++i) {
    one.arrive({kMedium + 2 * i, kMedium + 2 * i + 1});
    served.add(next(one));
    served.add(next(one));
  }
  for (auto& frame : served)
    EXPECT_TRUE(isIntact(frame));
  EXPECT_GE(held(), served.size() * kMedium);
}

TEST_F(FrameReaderTest, AClientThatPausesHoldsNothing) {
  one.arrive({kMedium, kMedium});
  next(one);
  next(one);
  EXPECT_GT(held(), 0u);
  auto frame = one.begin();
  settle();
  EXPECT_FALSE(frame.poll(scope));
  EXPECT_EQ(held(), 0u);
  one.arrive({kMedium});
  EXPECT_TRUE(isIntact(frame.wait(scope).get<Frame>()));
}

TEST_F(FrameReaderTest, ASmallFrameKeepsNoChunk) {
  one.arrive({kMedium, 100});
  next(one);
  auto small = next(one);
  auto more = one.begin();
  settle();
  EXPECT_EQ(held(), 100u);
  EXPECT_TRUE(isIntact(small));
}

TEST_F(FrameReaderTest, AClaimAloneTakesNoRoomWhenItIsShort) {
  kj::Vector<Frame> served;
  for (size_t size : {kLarge, size_t{1'000'000}}) {
    while (heldBy(size) <= mebibytes(4).value()) {
      one.arrive({size});
      served.add(next(one));
    }
  }
  auto before = held();
  for (size_t claimed : {kLarge, kMedium}) {
    Connection other{*this};
    kj::Vector<kj::byte> bytes;
    addFrame(bytes, body(claimed, static_cast<uint32_t>(claimed)));
    other.client.arrive(bytes.slice(0, 5000));
    auto frame = other.begin();
    settle();
    EXPECT_EQ(held(), before);
    other.client.arrive(bytes.slice(5000, bytes.size()));
    EXPECT_TRUE(isIntact(frame.wait(scope).get<Frame>())) << claimed;
  }
}

TEST_F(FrameReaderTest, ARequestDoesNotWaitForTheRoomOfItsOwnChunk) {
  auto small = kj::refcounted<RequestBudgets>(mebibytes(2), mebibytes(1));
  FrameReader reader(*one.stream, limits, *small, timer);
  constexpr size_t kClaimed = 900'000;
  kj::Vector<kj::byte> bytes;
  addFrame(bytes, body(kMedium, kMedium));
  addFrame(bytes, body(kClaimed, kClaimed));
  one.client.arrive(bytes.slice(0, 300'000));
  reader.next().wait(scope);
  auto frame = reader.next().eagerlyEvaluate(nullptr);
  one.client.arrive(bytes.slice(300'000, bytes.size()));
  ASSERT_TRUE(frame.poll(scope));
  EXPECT_TRUE(isIntact(frame.wait(scope).get<Frame>()));
}

TEST_F(FrameReaderTest, RoomOfALargeFrameIsTakenAsItArrives) {
  kj::Vector<Frame> served;
  while (heldBy(kLarge) <= mebibytes(4).value()) {
    one.arrive({kLarge});
    served.add(next(one));
  }
  auto before = held();
  constexpr size_t kClaimed = 3 << 20;
  kj::Vector<kj::byte> bytes;
  addFrame(bytes, body(kClaimed, kClaimed));
  Connection other{*this};
  auto frame = other.begin();
  size_t sent = 0;
  for (size_t upTo : {size_t{60'000}, size_t{500'000}, size_t{1'500'000}, bytes.size()}) {
    other.client.arrive(bytes.slice(sent, upTo));
    sent = upTo;
    settle();
    EXPECT_LE(held() - before, kj::max(size_t{1} << 20, 2 * sent)) << sent;
  }
  ASSERT_TRUE(frame.poll(scope));
  auto outcome = frame.wait(scope);
  EXPECT_TRUE(isIntact(outcome.get<Frame>()));
  EXPECT_EQ(held() - before, kClaimed);
}

TEST_F(FrameReaderTest, LargeFramesThatTrickleLoseTheirPlaceWhenOthersWait) {
  kj::Vector<kj::byte> claim;
  addFrame(claim, body(4 << 20, 0));
  kj::Vector<kj::Own<Connection>> slow;
  kj::Vector<kj::Promise<FrameReader::Outcome>> frames;
  for (int i = 0; i < 3; ++i) {
    slow.add(kj::heap<Connection>(*this));
    slow.back()->client.arrive(claim.slice(0, 100'000));
    frames.add(slow.back()->begin());
  }
  advance(limits.slowMsMax + 1000);
  for (auto& frame : frames)
    EXPECT_FALSE(frame.poll(scope)) << "nobody waits for its room";
  one.arrive({3'000'000});
  auto frame = one.begin();
  settle();
  EXPECT_FALSE(frame.poll(scope));
  advance(1000);
  ASSERT_TRUE(frame.poll(scope));
  auto outcome = frame.wait(scope);
  EXPECT_TRUE(isIntact(outcome.get<Frame>()));
  int cut = 0;
  for (auto& trickling : frames) {
    if (!trickling.poll(scope)) continue;
    ++cut;
    EXPECT_EQ(faultOf(kj::mv(trickling)), "a frame came slowly while others waited for room"_kj);
  }
  EXPECT_GE(cut, 1);
}

TEST_F(FrameReaderTest, AnswersDoNotWaitForTheNextLargeFrame) {
  one.arrive({kMedium});
  next(one);
  one.stream->write("answer", 6).wait(scope);
  EXPECT_EQ(one.client.written, 0u);
  auto frame = one.begin();
  EXPECT_EQ(one.client.written, 6u) << "it goes out before the next read, not at the end of the turn";
}

TEST_F(FrameReaderTest, AnswersDoNotWaitForTheRestOfALargeFrame) {
  for (size_t claimed : {kMedium, kLarge}) {
    Connection other{*this};
    kj::Vector<kj::byte> bytes;
    addFrame(bytes, body(claimed, 0));
    other.client.arrive(bytes.slice(0, 10));
    other.stream->write("answer", 6).wait(scope);
    auto frame = other.begin();
    settle();
    EXPECT_EQ(other.client.writtenBeforeLargeRead, 6u) << claimed;
  }
}

TEST_F(FrameReaderTest, LengthsThatMakeNoSense) {
  for (int32_t length : {0, 7, -1, INT32_MAX, static_cast<int32_t>(limits.frameBytesMax.value()) + 1}) {
    Connection other{*this};
    kj::byte bytes[4];
    storeBigEndian(bytes, length);
    other.client.arrive(bytes);
    EXPECT_EQ(faultOf(other.begin()), kj::str("a frame claims ", length, " bytes, expected 8 to ", limits.frameBytesMax,
                                              " (--kafka_frame_bytes_max)"));
  }
}

TEST_F(FrameReaderTest, AClientThatEndsInsideAFrame) {
  for (size_t claimed : {kSmall, kMedium, kLarge}) {
    kj::Vector<kj::byte> bytes;
    addFrame(bytes, body(claimed, 0));
    for (size_t sent : {size_t{0}, size_t{3}, size_t{4}, claimed}) {
      Connection other{*this};
      other.arrive({kMedium});
      next(other);
      other.client.arrive(bytes.slice(0, sent));
      auto frame = other.begin();
      settle();
      EXPECT_FALSE(frame.poll(scope));
      other.client.end();
      EXPECT_EQ(faultOf(kj::mv(frame)), "none"_kj) << claimed << ", " << sent;
    }
  }
  EXPECT_EQ(held(), 0u);
}

TEST_F(FrameReaderTest, AFrameThatDoesNotGoOn) {
  for (size_t claimed : {kSmall, kMedium, kLarge}) {
    kj::Vector<kj::byte> bytes;
    addFrame(bytes, body(claimed, 0));
    Connection other{*this};
    other.client.arrive(bytes.slice(0, claimed));
    auto frame = other.begin();
    advance(limits.frameStepMsMax - 1);
    EXPECT_FALSE(frame.poll(scope));
    advance(1);
    EXPECT_EQ(faultOf(kj::mv(frame)), "a frame was begun and did not go on"_kj) << claimed;
  }
}

TEST_F(FrameReaderTest, AConnectionThatIsIdleForLong) {
  one.arrive({kMedium});
  next(one);
  auto frame = one.begin();
  advance(limits.idleMsMax - 1);
  EXPECT_FALSE(frame.poll(scope));
  advance(1);
  EXPECT_EQ(faultOf(kj::mv(frame)), "none"_kj);
}

}  // namespace
}  // namespace cambium::kafka
