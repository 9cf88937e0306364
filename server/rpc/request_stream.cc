#include "server/rpc/request_stream.h"

#include <kj/debug.h>

#include "engine/base/coroutine.h"

namespace cambium {

namespace {

// Without room for the whole, so much of a message is read before its room is taken.
constexpr size_t kFirstPartBytes = 64 << 10;
constexpr size_t kPartBytes = 1 << 20;
// What a message costs, in units of WorkShare: a call takes some microseconds, and looking at what it brings, too.
constexpr size_t kUnitsPerMessage = 8;
constexpr uint64_t kBytesPerUnit = 2 << 10;

// Up to the first segment that is empty, which nobody but a client with bad intentions sends. (MessageReader has a
// sizeInWords(), which in Cap'n Proto 0.9 reads what only getRoot() makes.)
uint64_t bytesOf(capnp::MessageReader& message) {
  uint64_t words = 0;
  for (kj::uint id = 0;; ++id) {
    auto segment = message.getSegment(id);
    if (segment.size() == 0) return words * sizeof(capnp::word);
    words += segment.size();
  }
}

}  // namespace

RequestStream::RequestStream(kj::Own<kj::AsyncIoStream> socket, Surroundings surroundings,
                             kj::Own<RequestBudgets> budgets, Limits limits, kj::StringPtr peer)
    : budgets_(kj::mv(budgets)),
      calls_(surroundings.calls),
      log_(surroundings.log),
      timer_(surroundings.timer),
      limits_(limits),
      peer_(kj::str(peer)),
      share_(surroundings.turns),
      stream_(newBufferedStream(kj::mv(socket), {.observer = surroundings.observer, .largeReads = *this})),
      messages_(*stream_) {}

kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> RequestStream::tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fds,
                                                                                 capnp::ReaderOptions options,
                                                                                 kj::ArrayPtr<capnp::word> scratch) {
  if (!shareIsUsed_ && !calls_.isPressed() && stream_->isReadable()) return receive(fds, options, scratch);
  return awaitMessage().then([this, fds, options, scratch] { return receive(fds, options, scratch); });
}

kj::Promise<void> RequestStream::awaitMessage() {
  if (shareIsUsed_) {
    stream_->flushNow();
    co_await share_.turn();
  }
  if (calls_.isPressed()) co_await awaitAnswers();
  co_await stream_->whenReadable();
}

// A message of which the first bytes are there.
kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> RequestStream::receive(kj::ArrayPtr<kj::AutoCloseFd> fds,
                                                                          capnp::ReaderOptions options,
                                                                          kj::ArrayPtr<capnp::word> scratch) {
  auto received = co_await messages_.tryReadMessage(fds, options, scratch);
  KJ_IF_MAYBE(message, received) {
    auto bytes = bytesOf(*message->reader);
    shareIsUsed_ = share_.useForRequest(kUnitsPerMessage + bytes / kBytesPerUnit);
    calls_.received(*message->reader);
    if (room_ == nullptr) co_await takeRoom(Bytes(bytes));
    message->reader = message->reader.attach(kj::mv(KJ_ASSERT_NONNULL(room_)));
    room_ = nullptr;
  }
  co_return kj::mv(received);
}

// A client that has gone meanwhile is read to its end.
kj::Promise<void> RequestStream::awaitAnswers() {
  stream_->flushNow();
  co_await waitWhilePressed().exclusiveJoin(stream_->whenWriteDisconnected());
}

kj::Promise<void> RequestStream::waitWhilePressed() {
  while (calls_.isPressed())
    co_await calls_.whenSent();
}

// The body of a large message: Cap'n Proto knows its size by now, and has a place for it that is not written to yet.
kj::Promise<size_t> RequestStream::read(kj::AsyncIoStream& inner, kj::ArrayPtr<kj::byte> into, size_t filled) {
  auto size = Bytes(into.size());
  if (!budgets_->of(size).roomyFor(size) && filled < kFirstPartBytes) {
    auto first = kj::min(into.size(), kFirstPartBytes);
    if (!co_await readParts(inner, into.slice(filled, first))) co_return filled;
    filled = first;
  }
  co_await takeRoom(size);
  if (!co_await readParts(inner, into.slice(filled, into.size()))) co_return filled;
  co_return into.size();
}

kj::Promise<void> RequestStream::takeRoom(Bytes size) {
  auto& budget = budgets_->of(size);
  KJ_IF_MAYBE(now, budget.tryTake(size)) {
    room_ = Room{kj::addRef(*budgets_), kj::mv(*now)};
  } else {
    auto lease = co_await budget.take(size);
    room_ = Room{kj::addRef(*budgets_), kj::mv(lease)};
  }
}

// False when the client ends before all of it has come.
kj::Promise<bool> RequestStream::readParts(kj::AsyncIoStream& inner, kj::ArrayPtr<kj::byte> into) {
  while (into.size() > 0) {
    auto part = into.slice(0, kj::min(into.size(), kPartBytes));
    auto late = timer_.afterDelay(limits_.stepMsMax * kj::MILLISECONDS).then([] { return SIZE_MAX; });
    auto got = co_await inner.tryRead(part.begin(), part.size(), part.size()).exclusiveJoin(kj::mv(late));
    if (got == SIZE_MAX) {
      log_.warn("an RPC connection is closed, a message was begun and did not go on", peer_);
      kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "a message was begun and did not go on"));
    }
    if (got < part.size()) co_return false;
    into = into.slice(part.size(), into.size());
  }
  co_return true;
}

}  // namespace cambium
