#pragma once

#include <kj/one-of.h>
#include <kj/refcount.h>
#include <kj/string.h>

#include "engine/base/buffered_stream.h"
#include "engine/base/request_budgets.h"
#include "server/kafka/kafka_limits.h"

namespace cambium::kafka {

// Memory that holds a frame, or several that came together, with its share of the budget.
struct FrameMemory : public kj::Refcounted {
  FrameMemory(kj::Array<kj::byte> bytes, ByteBudget::Lease lease) : bytes(kj::mv(bytes)), lease(kj::mv(lease)) {}

  kj::Array<kj::byte> bytes;
  ByteBudget::Lease lease;
};

// What a client sent as one request, behind the length.
struct Frame {
  kj::ArrayPtr<kj::byte> bytes;
  kj::Own<FrameMemory> memory;
};

// Cuts what a client sends into frames: a length (int32, big-endian), then so many bytes. Small frames are copied
// into memory of their own and large ones are read into their place; those in between are read many at once into a
// chunk and stay where they are, so that a client which sends one after the other costs a read for several of them.
//
// Memory of a frame counts in `requests` until the Frame goes. A claim alone costs nobody room: while there is not
// plenty, room for a large frame is taken as its bytes arrive, and for a small one when it has come. A large one that
// comes slowly loses its place when others wait for room. While next() waits for a frame to begin, nothing but the
// stream's own small buffer is held.
class FrameReader {
 public:
  FrameReader(BufferedStream& stream, const KafkaLimits& limits, RequestBudgets& requests, kj::Timer& timer)
      : stream_(stream), limits_(limits), requests_(requests), timer_(timer) {}
  KJ_DISALLOW_COPY(FrameReader);

  // No frame comes any more: the client has ended its side or sent nothing for idleMsMax, or `fault` is what it did
  // wrong: a length that is none, a frame that was begun and did not go on for frameStepMsMax.
  struct End {
    kj::Maybe<kj::String> fault;
  };
  using Outcome = kj::OneOf<Frame, End>;

  // The next frame; none after an End. May offer what the stream has buffered for writing, so that answers do not wait
  // for further requests to be read. One at a time.
  kj::Promise<Outcome> next();

 private:
  size_t held() const { return end_ - begin_; }
  size_t takeHeld(kj::ArrayPtr<kj::byte> into);
  kj::Promise<bool> readLength(kj::ArrayPtr<kj::byte> into);
  kj::Promise<void> readWhatIsThere();
  bool makeRoom(size_t whole);
  kj::Promise<kj::Maybe<Frame>> readIntoChunk(size_t whole);
  kj::Promise<kj::Maybe<Frame>> readAlone(size_t whole);
  kj::Promise<kj::Maybe<Frame>> readGrowing(size_t whole);
  kj::Promise<bool> readAll(kj::ArrayPtr<kj::byte> into);
  kj::Promise<bool> readLarge(kj::ArrayPtr<kj::byte> into);
  kj::Promise<ByteBudget::Lease> waitForRoom(size_t bytes, size_t kept);
  bool isSlow() const;
  kj::Promise<size_t> readStep(kj::ArrayPtr<kj::byte> into, size_t bytesMin);

  BufferedStream& stream_;
  const KafkaLimits& limits_;
  RequestBudgets& requests_;
  kj::Timer& timer_;
  kj::Own<FrameMemory> chunk_;  // null: none
  size_t begin_ = 0;            // of what the chunk holds and no frame has
  size_t end_ = 0;
  kj::TimePoint begun_ = kj::origin<kj::TimePoint>();  // the large frame that is being read, without its waits for room
  size_t arrived_ = 0;                                 // of it
  kj::Maybe<kj::String> fault_;
};

}  // namespace cambium::kafka
