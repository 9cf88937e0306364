#include "engine/base/buffered_stream.h"

#include <cstring>

#include <kj/debug.h>
#include <kj/vector.h>

#include "engine/base/coroutine.h"
#include "engine/base/quantity.h"
#include "engine/base/task_slot.h"
#include "engine/base/wait_list.h"

namespace cambium {
namespace {

// A connection that waits has a read outstanding and so a buffer, and thousands of them wait: it begins with this much,
// and has more for as long as reads fill it.
constexpr size_t kFirstReadBytes = 512;
// A flush does not wait for the end of the turn when there is this much.
constexpr size_t kFlushAtOnceBytes = 64 << 10;
// What is written in a turn begins with a buffer of this size.
constexpr size_t kFirstWriteBytes = 256;

// kj calls a connection that timed out an overload, as it does with every lack of the system. On a stream it means that
// the peer cannot be reached any more.
kj::Exception peerFailure(const kj::Exception& e) {
  if (e.getType() != kj::Exception::Type::OVERLOADED) return kj::cp(e);
  return kj::Exception(kj::Exception::Type::DISCONNECTED, e.getFile(), e.getLine(), kj::str(e.getDescription()));
}

kj::Promise<size_t> asPeerFailure(kj::Promise<size_t> read) {
  return read.catch_([](kj::Exception&& e) -> kj::Promise<size_t> { return peerFailure(e); });
}

[[noreturn]] void throwPeerFailure(const kj::Exception& e) {
  kj::throwFatalException(peerFailure(e));
}

// Passes over what fails in its scope. Without it kj would log a failure as an error with a stack instead of throwing
// it while another exception is on its way: a connection that is destroyed because its client has gone is such a case.
class IgnoredFailures final : public kj::ExceptionCallback {
 public:
  void onRecoverableException(kj::Exception&&) override {}
};

class BufferedStreamImpl final : public BufferedStream {
 public:
  BufferedStreamImpl(kj::Own<kj::AsyncIoStream> inner, BufferedStreamOptions options)
      : inner_(kj::mv(inner)), options_(options), flush_([this](kj::Maybe<kj::Exception> failure) {
          KJ_IF_MAYBE(e, failure) fail(*e);
        }) {
    KJ_REQUIRE(options.readAheadBytes > 0);
  }
  ~BufferedStreamImpl() noexcept(false) { offerTheRest(); }
  KJ_DISALLOW_COPY(BufferedStreamImpl);

  // --- Reading.
  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override;
  kj::Maybe<uint64_t> tryGetLength() override {
    KJ_IF_MAYBE(length, inner_->tryGetLength()) return *length + buffered();
    return nullptr;
  }
  void registerAncillaryMessageHandler(kj::Function<void(kj::ArrayPtr<kj::AncillaryMessage>)> fn) override {
    inner_->registerAncillaryMessageHandler(kj::mv(fn));
  }
  void abortRead() override { inner_->abortRead(); }

  // --- Writing.
  kj::Promise<void> write(const void* buffer, size_t size) override {
    if (size < options_.writeThroughBytes) {
      ByteView piece(static_cast<const kj::byte*>(buffer), size);
      return writeCopied(kj::arrayPtr(&piece, 1), size);
    }
    auto piece = kj::heapArray<ByteView>(1);
    piece[0] = ByteView(static_cast<const kj::byte*>(buffer), size);
    return writeThrough(piece).attach(kj::mv(piece));
  }
  kj::Promise<void> write(kj::ArrayPtr<const ByteView> pieces) override {
    size_t size = 0;
    for (auto& piece : pieces)
      size += piece.size();
    return size < options_.writeThroughBytes ? writeCopied(pieces, size) : writeThrough(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override {
    if (failure_.get() != nullptr) return kj::READY_NOW;
    return inner_->whenWriteDisconnected().exclusiveJoin(failing_.wait());
  }
  kj::Promise<void> flushed() override;
  void flushNow() override;
  bool isReadable() const override { return buffered() > 0; }
  kj::Promise<void> whenReadable() override;
  void shutdownWrite() override;

  // --- The socket below.
  void getsockopt(int level, int option, void* value, kj::uint* length) override {
    inner_->getsockopt(level, option, value, length);
  }
  void setsockopt(int level, int option, const void* value, kj::uint length) override {
    inner_->setsockopt(level, option, value, length);
  }
  void getsockname(struct sockaddr* address, kj::uint* length) override { inner_->getsockname(address, length); }
  void getpeername(struct sockaddr* address, kj::uint* length) override { inner_->getpeername(address, length); }
  kj::Maybe<int> getFd() const override { return inner_->getFd(); }

 private:
  // Breaks the stream when a large write is dropped half way: the peer may have got a part of it.
  class ThroughGuard;

  size_t buffered() const { return readEnd_ - readBegin_; }
  size_t takeBuffered(kj::byte* into, size_t bytesMax);
  kj::ArrayPtr<kj::byte> makeReadRoom(size_t minBytes);
  kj::Promise<void> fill(size_t minBytes);

  kj::Promise<void> writeCopied(kj::ArrayPtr<const ByteView> pieces, size_t size);
  kj::Promise<void> writeThrough(kj::ArrayPtr<const ByteView> pieces);
  void startFlush(bool now = false);
  kj::Promise<void> flush(bool now);
  void innerFree();
  void fail(const kj::Exception& e);
  void offerTheRest() noexcept;

  kj::Own<kj::AsyncIoStream> inner_;
  const BufferedStreamOptions options_;

  kj::Array<kj::byte> readBuffer_;
  bool readFull_ = false;  // the last read into the buffer filled it, and what it held was for small reads so far
  size_t readBegin_ = 0;
  size_t readEnd_ = 0;

  kj::Vector<kj::byte> pending_;   // written by our user, not yet offered to the inner stream
  kj::Vector<kj::byte> inFlight_;  // what the inner stream is writing
  bool innerBusy_ = false;         // a write of the inner stream is going on
  int throughWaiting_ = 0;         // large writes that are next
  bool flushing_ = false;          // flush_ has not ended
  bool shutdownAsked_ = false;
  kj::Own<kj::Exception> failure_;  // null: none
  WaitList waiting_;                // woken whenever the inner stream becomes free
  WaitList failing_;                // woken when failure_ is set
  TaskSlot flush_;                  // last: its coroutine uses the rest
};

// --- Reading
// -------------------------------------------------------------------------------------------------------------

size_t BufferedStreamImpl::takeBuffered(kj::byte* into, size_t bytesMax) {
  size_t n = kj::min(buffered(), bytesMax);
  if (n > 0) memcpy(into, readBuffer_.begin() + readBegin_, n);
  readBegin_ += n;
  if (readBegin_ == readEnd_) readBegin_ = readEnd_ = 0;
  return n;
}

kj::Promise<size_t> BufferedStreamImpl::tryRead(void* buffer, size_t minBytes, size_t maxBytes) {
  auto* into = static_cast<kj::byte*>(buffer);
  if (buffered() >= minBytes && (buffered() > 0 || maxBytes == 0)) return takeBuffered(into, maxBytes);
  size_t readThroughBytes = kj::min(options_.readThroughBytes, options_.readAheadBytes);
  if (maxBytes < readThroughBytes) {
    return fill(minBytes).then([this, into, maxBytes] { return takeBuffered(into, maxBytes); });
  }
  // Where large messages come, what is read ahead of them is copied for nothing: read little more than their
  // heads.
  readFull_ = false;
  size_t taken = takeBuffered(into, maxBytes);
  KJ_IF_MAYBE(reads, options_.largeReads) {
    if (minBytes == maxBytes) return reads->read(*inner_, kj::arrayPtr(into, maxBytes), taken);
  }
  return asPeerFailure(inner_->tryRead(into + taken, minBytes - taken, maxBytes - taken)).then([taken](size_t n) {
    return taken + n;
  });
}

kj::Promise<void> BufferedStreamImpl::whenReadable() {
  if (buffered() > 0) return kj::READY_NOW;
  return fill(1);
}

// The buffer holds less than minBytes, which fit into it; at the end of the stream it goes on doing so. What was there
// stays there, so that dropping the promise loses nothing.
kj::Promise<void> BufferedStreamImpl::fill(size_t minBytes) {
  do {
    auto room = makeReadRoom(minBytes);
    size_t n = 0;
    try {
      // "At least nothing" is the inner stream's to understand.
      n = co_await inner_->tryRead(room.begin(), kj::min(minBytes, size_t{1}), room.size());
    } catch (const kj::Exception& e) {
      throwPeerFailure(e);
    }
    readEnd_ += n;
    readFull_ = n == room.size();
    if (n == 0) break;
  } while (buffered() < minBytes);
}

// Where to read to, behind what is there. A client that sends faster than it is read gets a large buffer; one that has
// sent less than a buffer holds may well pause now, and gets a small one.
kj::ArrayPtr<kj::byte> BufferedStreamImpl::makeReadRoom(size_t minBytes) {
  size_t held = buffered();
  size_t target = readFull_ ? options_.readAheadBytes : kj::min(kFirstReadBytes, options_.readAheadBytes);
  size_t capacity = minBytes > target ? options_.readAheadBytes : target;
  if (readBuffer_.size() < capacity || (held == 0 && readBuffer_.size() > capacity)) {
    auto next = kj::heapArray<kj::byte>(capacity);
    if (held > 0) memcpy(next.begin(), readBuffer_.begin() + readBegin_, held);
    readBuffer_ = kj::mv(next);
  } else if (readBegin_ > 0 && held > 0) {
    memmove(readBuffer_.begin(), readBuffer_.begin() + readBegin_, held);
  }
  readBegin_ = 0;
  readEnd_ = held;
  return readBuffer_.slice(held, kj::min(readBuffer_.size(), kj::max(target, minBytes)));
}

// --- Writing
// -------------------------------------------------------------------------------------------------------------

class BufferedStreamImpl::ThroughGuard {
 public:
  explicit ThroughGuard(BufferedStreamImpl& stream) : stream_(stream) { stream.innerBusy_ = true; }
  ~ThroughGuard() noexcept(false) {
    stream_.innerBusy_ = false;
    if (!done_)
      stream_.fail(KJ_EXCEPTION(FAILED, "an earlier write to this stream was dropped before it was complete"));
    stream_.innerFree();
  }
  KJ_DISALLOW_COPY(ThroughGuard);
  void done() { done_ = true; }

 private:
  BufferedStreamImpl& stream_;
  bool done_ = false;
};

kj::Promise<void> BufferedStreamImpl::writeCopied(kj::ArrayPtr<const ByteView> pieces, size_t size) {
  KJ_REQUIRE(!shutdownAsked_, "write() after shutdownWrite()");
  if (failure_.get() != nullptr) return kj::cp(*failure_);
  if (size == 0) return kj::READY_NOW;
  if (pending_.capacity() == 0) pending_.reserve(kj::max(size, kFirstWriteBytes));
  for (auto& piece : pieces)
    pending_.addAll(piece);
  startFlush(pending_.size() >= kFlushAtOnceBytes);
  if (pending_.size() <= options_.writeHighWaterBytes) return kj::READY_NOW;
  return waiting_.wait();
}

kj::Promise<void> BufferedStreamImpl::writeThrough(kj::ArrayPtr<const ByteView> pieces) {
  KJ_REQUIRE(!shutdownAsked_, "write() after shutdownWrite()");
  if (failure_.get() != nullptr) kj::throwFatalException(kj::cp(*failure_));
  while (innerBusy_) {
    ++throughWaiting_;
    KJ_DEFER(--throughWaiting_);
    co_await waiting_.wait();
  }
  ThroughGuard guard(*this);
  auto head = kj::mv(pending_);
  auto all = kj::heapArrayBuilder<ByteView>(pieces.size() + 1);
  if (head.size() > 0) all.add(head.asPtr());
  all.addAll(pieces);
  KJ_IF_MAYBE(observer, options_.observer) observer->writing();
  try {
    co_await inner_->write(all);
  } catch (const kj::Exception& e) {
    fail(e);
    throw;
  }
  size_t size = 0;
  for (auto& piece : all)
    size += piece.size();
  KJ_IF_MAYBE(observer, options_.observer) observer->wrote(size);
  guard.done();
}

void BufferedStreamImpl::startFlush(bool now) {
  if ((flushing_ && !now) || innerBusy_) return;
  flush_.drop();
  flushing_ = true;
  flush_.start(flush(now));
}

// Writes until nothing is pending, or until a large write takes over.
kj::Promise<void> BufferedStreamImpl::flush(bool now) {
  KJ_DEFER(flushing_ = false);
  while (pending_.size() > 0 && !innerBusy_ && throughWaiting_ == 0) {
    // Whatever else this turn of the loop writes goes along.
    if (!now && pending_.size() < kFlushAtOnceBytes) co_await kj::evalLast([] {});
    now = false;
    if (innerBusy_ || pending_.size() == 0) co_return;
    inFlight_ = kj::mv(pending_);
    innerBusy_ = true;
    KJ_IF_MAYBE(observer, options_.observer) observer->writing();
    try {
      co_await inner_->write(inFlight_.begin(), inFlight_.size());
      KJ_IF_MAYBE(observer, options_.observer) observer->wrote(inFlight_.size());
    } catch (const kj::Exception& e) {
      fail(e);
    }
    innerBusy_ = false;
    inFlight_ = kj::Vector<kj::byte>();
    innerFree();
  }
}

// A flush that waits for the end of the turn gives way to one that does not.
void BufferedStreamImpl::flushNow() {
  if (pending_.size() > 0 && throughWaiting_ == 0) startFlush(true);
}

kj::Promise<void> BufferedStreamImpl::flushed() {
  while (failure_.get() == nullptr && (innerBusy_ || pending_.size() > 0))
    co_await waiting_.wait();
  if (failure_.get() != nullptr) kj::throwFatalException(kj::cp(*failure_));
}

// The inner stream has no write in progress: who is next?
void BufferedStreamImpl::innerFree() {
  waiting_.wakeAll();
  if (pending_.size() > 0) {
    startFlush();
  } else if (shutdownAsked_ && failure_.get() == nullptr) {
    KJ_IF_MAYBE(e, kj::runCatchingExceptions([&] { inner_->shutdownWrite(); })) fail(*e);
  }
}

void BufferedStreamImpl::shutdownWrite() {
  if (failure_.get() != nullptr) kj::throwFatalException(kj::cp(*failure_));
  if (shutdownAsked_) return;
  shutdownAsked_ = true;
  if (pending_.size() == 0 && !innerBusy_) inner_->shutdownWrite();
}

void BufferedStreamImpl::fail(const kj::Exception& e) {
  if (failure_.get() != nullptr) return;
  failure_ = kj::heap<kj::Exception>(peerFailure(e));
  pending_ = kj::Vector<kj::byte>();
  waiting_.rejectAll(*failure_);
  failing_.wakeAll();
}

void BufferedStreamImpl::offerTheRest() noexcept {
  flush_.drop();
  if (innerBusy_ || pending_.size() == 0) return;
  IgnoredFailures ignored;
  // A socket takes what it has room for inside the call; the promise is of no use any more.
  kj::runCatchingExceptions([&] { auto dropped = inner_->write(pending_.begin(), pending_.size()); });
}

}  // namespace

kj::Own<BufferedStream> newBufferedStream(kj::Own<kj::AsyncIoStream> inner, BufferedStreamOptions options) {
  return kj::heap<BufferedStreamImpl>(kj::mv(inner), options);
}

}  // namespace cambium
