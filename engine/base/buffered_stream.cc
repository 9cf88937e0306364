#include "engine/base/buffered_stream.h"

#include <cstring>

#include <kj/debug.h>
#include <kj/vector.h>

#include "engine/base/coroutine.h"
#include "engine/base/quantity.h"
#include "engine/base/wait_list.h"

namespace cambium {
namespace {

// A connection that waits has a read outstanding and so a buffer: it begins with this much and grows when a read fills
// it.
constexpr size_t kFirstReadBytes = 4 << 10;
// A flush does not wait for the end of the turn when there is this much, and an idle stream keeps no larger buffer.
constexpr size_t kFlushAtOnceBytes = 64 << 10;

// kj calls a connection that timed out an overload, as it does with every lack of the system. On a stream it means that
// the peer cannot be reached any more.
kj::Exception peerFailure(const kj::Exception& e) {
  if (e.getType() != kj::Exception::Type::OVERLOADED) return kj::cp(e);
  return kj::Exception(kj::Exception::Type::DISCONNECTED, e.getFile(), e.getLine(), kj::str(e.getDescription()));
}

kj::Promise<size_t> asPeerFailure(kj::Promise<size_t> read) {
  return read.catch_([](kj::Exception&& e) -> kj::Promise<size_t> { return peerFailure(e); });
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
      : inner_(kj::mv(inner)), options_(options), readTarget_(kj::min(kFirstReadBytes, options.readAheadBytes)) {
    KJ_REQUIRE(options.readAheadBytes > 0);
    auto paf = kj::newPromiseAndFulfiller<void>();
    failed_ = paf.promise.fork();
    failedFulfiller_ = kj::mv(paf.fulfiller);
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
    return inner_->whenWriteDisconnected().exclusiveJoin(failed_.addBranch());
  }
  kj::Promise<void> flushed() override;
  void flushNow() override;
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
  void makeReadRoom(size_t minBytes);
  kj::Promise<size_t> fillAndTake(kj::byte* into, size_t minBytes, size_t maxBytes);

  kj::Promise<void> writeCopied(kj::ArrayPtr<const ByteView> pieces, size_t size);
  kj::Promise<void> writeThrough(kj::ArrayPtr<const ByteView> pieces);
  void startFlush(bool now = false);
  kj::Promise<void> flush(bool now);
  void innerFree();
  void recycle();
  void fail(const kj::Exception& e);
  void offerTheRest() noexcept;

  kj::Own<kj::AsyncIoStream> inner_;
  const BufferedStreamOptions options_;

  kj::Array<kj::byte> readBuffer_;
  size_t readTarget_;      // how much to read ahead
  bool readFull_ = false;  // the last read into the buffer filled it, and what it held was for small reads so far
  size_t readBegin_ = 0;
  size_t readEnd_ = 0;

  kj::Vector<kj::byte> pending_;   // written by our user, not yet offered to the inner stream
  kj::Vector<kj::byte> inFlight_;  // what the inner stream is writing
  bool innerBusy_ = false;         // a write of the inner stream is going on
  int throughWaiting_ = 0;         // large writes that are next
  bool flushing_ = false;          // flush_ has not ended
  bool shutdownAsked_ = false;
  kj::Maybe<kj::Exception> failure_;
  WaitList waiting_;  // woken whenever the inner stream becomes free
  kj::Own<kj::PromiseFulfiller<void>> failedFulfiller_;
  kj::ForkedPromise<void> failed_ = nullptr;
  kj::Maybe<kj::Promise<void>> flush_;  // last: its coroutine uses the rest
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
  if (maxBytes < readThroughBytes) return fillAndTake(into, minBytes, maxBytes);
  // Where large messages come, what is read ahead of them is copied for nothing: read little more than their
  // heads.
  readTarget_ = kj::min(kFirstReadBytes, options_.readAheadBytes);
  readFull_ = false;
  size_t taken = takeBuffered(into, maxBytes);
  KJ_IF_MAYBE(reads, options_.largeReads) {
    if (minBytes == maxBytes) return reads->read(*inner_, kj::arrayPtr(into, maxBytes), taken);
  }
  return asPeerFailure(inner_->tryRead(into + taken, minBytes - taken, maxBytes - taken)).then([taken](size_t n) {
    return taken + n;
  });
}

// The buffer holds less than minBytes, which fit into it. What was there stays there until all is, so that dropping the
// promise loses nothing.
kj::Promise<size_t> BufferedStreamImpl::fillAndTake(kj::byte* into, size_t minBytes, size_t maxBytes) {
  if (readFull_) readTarget_ = options_.readAheadBytes;
  do {
    makeReadRoom(minBytes);
    size_t room = kj::min(readBuffer_.size(), kj::max(readTarget_, minBytes)) - readEnd_;
    // "At least nothing" is the inner stream's to understand.
    size_t n =
        co_await asPeerFailure(inner_->tryRead(readBuffer_.begin() + readEnd_, kj::min(minBytes, size_t{1}), room));
    readEnd_ += n;
    readFull_ = n == room;
    if (n == 0) break;  // the end of the stream
  } while (buffered() < minBytes);
  co_return takeBuffered(into, maxBytes);
}

void BufferedStreamImpl::makeReadRoom(size_t minBytes) {
  size_t held = buffered();
  size_t capacity = minBytes > readTarget_ ? options_.readAheadBytes : readTarget_;
  if (readBuffer_.size() < capacity) {
    auto larger = kj::heapArray<kj::byte>(capacity);
    if (held > 0) memcpy(larger.begin(), readBuffer_.begin() + readBegin_, held);
    readBuffer_ = kj::mv(larger);
  } else if (readBegin_ > 0 && held > 0) {
    memmove(readBuffer_.begin(), readBuffer_.begin() + readBegin_, held);
  }
  readBegin_ = 0;
  readEnd_ = held;
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
  KJ_IF_MAYBE(e, failure_) return kj::cp(*e);
  if (size == 0) return kj::READY_NOW;
  for (auto& piece : pieces)
    pending_.addAll(piece);
  startFlush(pending_.size() >= kFlushAtOnceBytes);
  if (pending_.size() <= options_.writeHighWaterBytes) return kj::READY_NOW;
  return waiting_.wait();
}

kj::Promise<void> BufferedStreamImpl::writeThrough(kj::ArrayPtr<const ByteView> pieces) {
  KJ_REQUIRE(!shutdownAsked_, "write() after shutdownWrite()");
  KJ_IF_MAYBE(e, failure_) kj::throwFatalException(kj::cp(*e));
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
  flush_ = nullptr;
  flushing_ = true;
  flush_ = flush(now).eagerlyEvaluate([this](kj::Exception&& e) { fail(e); });
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
    recycle();
    innerFree();
  }
}

// A flush that waits for the end of the turn gives way to one that does not.
void BufferedStreamImpl::flushNow() {
  if (pending_.size() > 0 && throughWaiting_ == 0) startFlush(true);
}

kj::Promise<void> BufferedStreamImpl::flushed() {
  while (failure_ == nullptr && (innerBusy_ || pending_.size() > 0))
    co_await waiting_.wait();
  KJ_IF_MAYBE(e, failure_) kj::throwFatalException(kj::cp(*e));
}

// Keeps the memory of the buffer for the next flush, unless it is large.
void BufferedStreamImpl::recycle() {
  if (pending_.capacity() > 0 || inFlight_.capacity() > kFlushAtOnceBytes) {
    inFlight_ = kj::Vector<kj::byte>();
    return;
  }
  inFlight_.clear();
  pending_ = kj::mv(inFlight_);
}

// The inner stream has no write in progress: who is next?
void BufferedStreamImpl::innerFree() {
  waiting_.wakeAll();
  if (pending_.size() > 0) {
    startFlush();
  } else if (shutdownAsked_ && failure_ == nullptr) {
    KJ_IF_MAYBE(e, kj::runCatchingExceptions([&] { inner_->shutdownWrite(); })) fail(*e);
  }
}

void BufferedStreamImpl::shutdownWrite() {
  KJ_IF_MAYBE(e, failure_) kj::throwFatalException(kj::cp(*e));
  if (shutdownAsked_) return;
  shutdownAsked_ = true;
  if (pending_.size() == 0 && !innerBusy_) inner_->shutdownWrite();
}

void BufferedStreamImpl::fail(const kj::Exception& e) {
  if (failure_ != nullptr) return;
  auto failure = peerFailure(e);
  failure_ = kj::cp(failure);
  pending_ = kj::Vector<kj::byte>();
  waiting_.rejectAll(failure);
  failedFulfiller_->fulfill();
}

void BufferedStreamImpl::offerTheRest() noexcept {
  flush_ = nullptr;
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
