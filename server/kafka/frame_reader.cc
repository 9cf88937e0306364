#include "server/kafka/frame_reader.h"

#include <cstring>

#include <kj/debug.h>

#include "engine/base/byte_cursor.h"
#include "engine/base/coroutine.h"

namespace cambium::kafka {

namespace {

constexpr size_t kLengthBytes = 4;
constexpr int32_t kHeaderBytesMin = 8;
// So much of a frame must have arrived before memory for the rest is taken, unless there is plenty.
constexpr size_t kFirstPartBytes = 64 << 10;
constexpr size_t kPartBytes = 1 << 20;
// Fits a second-level cache: what was received is checked and written while it is still there.
constexpr size_t kChunkBytes = 512 << 10;
// A smaller frame has memory of its own: one that is served for long shall not keep a chunk.
constexpr size_t kFrameInChunkBytesMin = 8 << 10;
// With less room a chunk that is in use is left to its frames.
constexpr size_t kRoomBytesMin = 64 << 10;

}  // namespace

kj::Promise<FrameReader::Outcome> FrameReader::next() {
  kj::byte length[kLengthBytes];
  if (!co_await readLength(length)) co_return End{};
  auto size = loadBigEndian<int32_t>(length);
  if (size < kHeaderBytesMin || static_cast<uint64_t>(size) > limits_.frameBytesMax.value()) {
    co_return End{kj::str("a frame claims ", size, " bytes, expected ", kHeaderBytesMin, " to ", limits_.frameBytesMax,
                          " (--kafka_frame_bytes_max)")};
  }
  auto whole = static_cast<size_t>(size);
  bool fitsChunk = whole >= kFrameInChunkBytesMin && whole <= kChunkBytes;
  auto read = co_await (fitsChunk && makeRoom(whole)             ? readIntoChunk(whole)
                        : Bytes(whole) > limits_.largeFrameBytes ? readGrowing(whole)
                                                                 : readAlone(whole));
  KJ_IF_MAYBE(frame, read) co_return kj::mv(*frame);
  co_return End{kj::mv(fault_)};
}

// False when the client has ended or nothing came for too long.
kj::Promise<bool> FrameReader::readLength(kj::ArrayPtr<kj::byte> into) {
  if (chunk_.get() != nullptr && held() == 0) co_await readWhatIsThere();
  auto rest = into.slice(takeHeld(into), into.size());
  if (rest.size() == 0) co_return true;
  chunk_ = nullptr;
  auto idle = timer_.afterDelay(limits_.idleMsMax * kj::MILLISECONDS).then([] { return size_t{0}; });
  co_return co_await stream_.tryRead(rest.begin(), rest.size(), rest.size()).exclusiveJoin(kj::mv(idle)) == rest.size();
}

// A client that is sending goes on in the chunk; one that pauses shall not keep it.
kj::Promise<void> FrameReader::readWhatIsThere() {
  if (!chunk_->isShared()) begin_ = end_ = 0;
  auto room = chunk_->bytes.size() - end_;
  if (room < kRoomBytesMin) co_return;
  stream_.flushNow();
  auto nothingYet = kj::evalLast([] { return size_t{0}; });
  end_ += co_await stream_.tryRead(chunk_->bytes.begin() + end_, 1, room).exclusiveJoin(kj::mv(nothingYet));
}

size_t FrameReader::takeHeld(kj::ArrayPtr<kj::byte> into) {
  auto size = kj::min(held(), into.size());
  if (size > 0) memcpy(into.begin(), chunk_->bytes.begin() + begin_, size);
  begin_ += size;
  return size;
}

// True: a frame of so many bytes fits into the chunk behind begin_.
bool FrameReader::makeRoom(size_t whole) {
  if (chunk_.get() != nullptr && chunk_->bytes.size() - begin_ >= whole) return true;
  auto size = held();
  if (chunk_.get() != nullptr && !chunk_->isShared()) {
    memmove(chunk_->bytes.begin(), chunk_->bytes.begin() + begin_, size);
  } else {
    auto& budget = requests_.of(Bytes(kChunkBytes));
    if (!budget.roomyFor(Bytes(kChunkBytes))) return false;
    auto lease = KJ_ASSERT_NONNULL(budget.tryTake(Bytes(kChunkBytes)), "a roomy budget has room");
    auto next = kj::refcounted<FrameMemory>(kj::heapArray<kj::byte>(kChunkBytes), kj::mv(lease));
    if (size > 0) memcpy(next->bytes.begin(), chunk_->bytes.begin() + begin_, size);
    chunk_ = kj::mv(next);
  }
  begin_ = 0;
  end_ = size;
  return true;
}

// With it comes what else there is.
kj::Promise<kj::Maybe<Frame>> FrameReader::readIntoChunk(size_t whole) {
  if (held() < whole) {
    auto missing = whole - held();
    auto got = co_await readStep(chunk_->bytes.slice(end_, chunk_->bytes.size()), missing);
    if (got < missing) co_return nullptr;
    end_ += got;
  }
  auto bytes = chunk_->bytes.slice(begin_, begin_ + whole);
  begin_ += whole;
  co_return Frame{bytes, kj::addRef(*chunk_)};
}

// It is read straight into its place while there is plenty of room. Without, its first part has to come before room for
// the whole is taken: many claims hold no more than these parts.
kj::Promise<kj::Maybe<Frame>> FrameReader::readAlone(size_t whole) {
  auto& budget = requests_.of(Bytes(whole));
  ByteBudget::Lease lease;
  bool roomy = budget.roomyFor(Bytes(whole));
  if (roomy) lease = KJ_ASSERT_NONNULL(budget.tryTake(Bytes(whole)), "a roomy budget has room");
  auto bytes = kj::heapArray<kj::byte>(roomy ? whole : kj::min(whole, kj::max(kFirstPartBytes, held())));
  if (!co_await readAll(bytes)) co_return nullptr;
  // What it holds would count against what is waited for.
  if (held() == 0) chunk_ = nullptr;
  if (!roomy) lease = co_await budget.take(Bytes(whole));
  if (bytes.size() < whole) {
    auto all = kj::heapArray<kj::byte>(whole);
    memcpy(all.begin(), bytes.begin(), bytes.size());
    auto rest = all.slice(bytes.size(), whole);
    bytes = kj::mv(all);
    if (!co_await readAll(rest)) co_return nullptr;
  }
  auto all = bytes.asPtr();
  co_return Frame{all, kj::refcounted<FrameMemory>(kj::mv(bytes), kj::mv(lease))};
}

// A large one. Without plenty of room its place grows as it comes; when there is none, the whole rest is waited for.
kj::Promise<kj::Maybe<Frame>> FrameReader::readGrowing(size_t whole) {
  auto& budget = requests_.of(Bytes(whole));
  begun_ = timer_.now();
  arrived_ = 0;
  ByteBudget::Lease lease;
  auto size = kj::min(whole, kj::max(kFirstPartBytes, held()));
  if (budget.roomyFor(Bytes(whole))) {
    lease = KJ_ASSERT_NONNULL(budget.tryTake(Bytes(whole)), "a roomy budget has room");
    size = whole;
  }
  auto bytes = kj::heapArray<kj::byte>(size);
  auto already = takeHeld(bytes);
  if (held() == 0) chunk_ = nullptr;
  if (!co_await readLarge(bytes.slice(already, size))) co_return nullptr;
  while (lease.size() < Bytes(whole)) {
    auto next = kj::min(whole, kj::max(2 * bytes.size(), kPartBytes));
    auto leased = lease.size().value();
    KJ_IF_MAYBE(more, budget.tryTake(Bytes(next - leased))) {
      lease.add(kj::mv(*more));
    } else {
      next = whole;
      lease.add(co_await waitForRoom(whole - leased, leased));
    }
    auto larger = kj::heapArray<kj::byte>(next);
    memcpy(larger.begin(), bytes.begin(), bytes.size());
    auto rest = larger.slice(bytes.size(), next);
    bytes = kj::mv(larger);
    if (!co_await readLarge(rest)) co_return nullptr;
  }
  auto all = bytes.asPtr();
  co_return Frame{all, kj::refcounted<FrameMemory>(kj::mv(bytes), kj::mv(lease))};
}

// It is not the client who is slow meanwhile.
kj::Promise<ByteBudget::Lease> FrameReader::waitForRoom(size_t bytes, size_t kept) {
  auto since = timer_.now();
  auto lease = co_await requests_.large().take(Bytes(bytes), Bytes(kept));
  begun_ += timer_.now() - since;
  co_return kj::mv(lease);
}

bool FrameReader::isSlow() const {
  auto ms = (timer_.now() - begun_) / kj::MILLISECONDS;
  return ms >= limits_.slowMsMax && arrived_ * 1000 < limits_.slowBytesPerSecond.value() * static_cast<uint64_t>(ms);
}

// As readAll(), a look at the pace now and then.
kj::Promise<bool> FrameReader::readLarge(kj::ArrayPtr<kj::byte> into) {
  constexpr size_t kLook = SIZE_MAX;
  stream_.flushNow();
  auto partBegun = timer_.now();
  size_t part = 0;
  while (into.size() > 0) {
    // A look must not drop the read: what it has got would be lost.
    auto reading = stream_.tryRead(into.begin(), 1, kj::min(into.size(), kPartBytes)).fork();
    size_t got = kLook;
    while (got == kLook) {
      auto deadline = partBegun + limits_.frameStepMsMax * kj::MILLISECONDS;
      auto next = timer_.now() + kj::min(limits_.slowMsMax, int64_t{1000}) * kj::MILLISECONDS;
      auto look = timer_.atTime(kj::min(deadline, next)).then([] { return kLook; });
      got = co_await reading.addBranch().exclusiveJoin(kj::mv(look));
      if (got == kLook && requests_.large().waiting() > 0 && isSlow()) {
        fault_ = kj::str("a frame came slowly while others waited for room");
        co_return false;
      }
      if (got == kLook && timer_.now() >= deadline) {
        fault_ = kj::str("a frame was begun and did not go on");
        co_return false;
      }
    }
    if (got == 0) co_return false;
    into = into.slice(got, into.size());
    arrived_ += got;
    part += got;
    if (part >= kPartBytes) {
      partBegun = timer_.now();
      part = 0;
    }
  }
  co_return true;
}

// False: the client has ended or stalled before all of it has come.
kj::Promise<bool> FrameReader::readAll(kj::ArrayPtr<kj::byte> into) {
  into = into.slice(takeHeld(into), into.size());
  while (into.size() > 0) {
    chunk_ = nullptr;  // nothing is left in it
    auto part = into.slice(0, kj::min(into.size(), kPartBytes));
    if (co_await readStep(part, part.size()) < part.size()) co_return false;
    into = into.slice(part.size(), into.size());
  }
  co_return true;
}

// Less than bytesMin when the client ends or stalls.
kj::Promise<size_t> FrameReader::readStep(kj::ArrayPtr<kj::byte> into, size_t bytesMin) {
  constexpr size_t kTooLate = SIZE_MAX;
  // What is on its way may take a while.
  if (bytesMin >= kFrameInChunkBytesMin) stream_.flushNow();
  auto late = timer_.afterDelay(limits_.frameStepMsMax * kj::MILLISECONDS).then([] { return kTooLate; });
  auto got = co_await stream_.tryRead(into.begin(), bytesMin, into.size()).exclusiveJoin(kj::mv(late));
  if (got != kTooLate) co_return got;
  fault_ = kj::str("a frame was begun and did not go on");
  co_return size_t{0};
}

}  // namespace cambium::kafka
