#include "server/http/request_gate.h"

#include <cstring>

#include "engine/base/coroutine.h"
#include "server/http/http_reply.h"

namespace cambium {

namespace {

constexpr size_t kHeadBytesMax = 16 << 10;
constexpr size_t kDiscardBytesMax = 64 << 10;

constexpr HttpFault kHeadTooLarge{431, "the request's headers are too large, 16 KiB are allowed\n"_kj};
constexpr HttpFault kNoHttp{400, "this is an HTTP door, and the request is not HTTP\n"_kj};
constexpr HttpFault kOtherHost{421,
                               "the request's Host is not a name of this broker; --http_hosts names further ones\n"_kj};

}  // namespace

RequestGate::RequestGate(kj::Own<kj::AsyncIoStream> inner, const HttpHosts& hosts, LogLimiter& log, kj::StringPtr peer,
                         kj::StringPtr local)
    : inner_(kj::mv(inner)),
      hosts_(hosts),
      log_(log),
      peer_(kj::str(peer)),
      local_(kj::str(local)),
      buffer_(kj::heapArray<char>(kHeadBytesMax)) {}

// kj asks for the next request only when the answer to the last one is written.
kj::Promise<size_t> RequestGate::tryRead(void* buffer, size_t minBytes, size_t maxBytes) {
  auto into = kj::arrayPtr(static_cast<char*>(buffer), maxBytes);
  if (ended_) co_return size_t{0};
  if (begin_ < headEnd_) co_return take(into, headEnd_);
  if (head_.hasBody) {
    auto taken = take(into, end_);
    if (taken >= minBytes && taken > 0) co_return taken;
    co_return taken + co_await inner_->tryRead(into.begin() + taken, minBytes - taken, maxBytes - taken);
  }
  if (isLast() || !co_await readHead()) {
    ended_ = true;
    co_return size_t{0};
  }
  co_return take(into, headEnd_);
}

size_t RequestGate::take(kj::ArrayPtr<char> into, size_t end) {
  auto size = kj::min(end - begin_, into.size());
  if (size > 0) memcpy(into.begin(), buffer_.begin() + begin_, size);
  begin_ += size;
  return size;
}

// False when there is no further request, or none that may be let through.
kj::Promise<bool> RequestGate::readHead() {
  memmove(buffer_.begin(), buffer_.begin() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = headEnd_ = 0;
  for (;;) {
    // Some clients send an empty line behind a body (RFC 9112, 2.2).
    while (begin_ < end_ && (buffer_[begin_] == '\r' || buffer_[begin_] == '\n'))
      ++begin_;
    auto held = buffer_.slice(begin_, end_);
    if (held.size() > 0 && (held[0] < 'A' || held[0] > 'Z')) {
      co_await refuse(kNoHttp);
      co_return false;
    }
    KJ_IF_MAYBE(size, findEndOfHead(held)) {
      head_ = readRequestHead(held.slice(0, *size));
      if (head_.fault == nullptr && head_.host.size() > 0 && !hosts_.allows(head_.host, local_)) {
        head_.fault = kOtherHost;
      }
      KJ_IF_MAYBE(fault, head_.fault) {
        co_await refuse(*fault);
        co_return false;
      }
      headEnd_ = begin_ + *size;
      co_return true;
    }
    if (end_ == buffer_.size()) {
      co_await refuse(kHeadTooLarge);
      co_return false;
    }
    auto got = co_await inner_->tryRead(buffer_.begin() + end_, 1, buffer_.size() - end_);
    if (got == 0) co_return false;
    end_ += got;
  }
}

kj::Promise<void> RequestGate::refuse(HttpFault fault) {
  log_.warn("an HTTP request is refused", peer_, ", ", fault.sentence);
  auto answer = closingAnswer(fault.status, fault.sentence, !head_.isHead);
  co_await inner_->write(answer.begin(), answer.size());
}

kj::Promise<void> RequestGate::discardRest() {
  auto discarded = kj::heapArray<kj::byte>(4 << 10);
  for (size_t total = 0; total < kDiscardBytesMax;) {
    auto got = co_await inner_->tryRead(discarded.begin(), 1, discarded.size());
    if (got == 0) co_return;
    total += got;
  }
}

}  // namespace cambium
