#pragma once

#include <kj/async-io.h>

#include "engine/base/log_limiter.h"
#include "server/http/http_hosts.h"
#include "server/http/request_head.h"

namespace cambium {

// The stream between a client and kj's HTTP server. It lets one request at a time through, when its head has come as a
// whole: what is no valid HTTP, or asks for a host that this is not, it answers itself and lets nothing more through.
// It ends the stream behind the last request that is to be answered (see isLast()).
class RequestGate final : public kj::AsyncIoStream {
 public:
  // `hosts` and `log` outlive it. `peer` and `local` are the addresses of the two ends.
  RequestGate(kj::Own<kj::AsyncIoStream> inner, const HttpHosts& hosts, LogLimiter& log, kj::StringPtr peer,
              kj::StringPtr local);

  // The request that was let through last ends the connection: its client wants that, or it has a body, behind which
  // nobody looks for a further request.
  bool isLast() const { return head_.isClosing || head_.hasBody; }
  bool hasBody() const { return head_.hasBody; }
  // Lets nothing more through.
  void end() { ended_ = true; }

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override;
  kj::Promise<void> write(const void* buffer, size_t size) override { return inner_->write(buffer, size); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return inner_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void abortRead() override { inner_->abortRead(); }

  // Reads on and throws away, until the client has closed its side or sent too much: closing while something lies
  // unread would reset the connection, and might take the answer with it.
  kj::Promise<void> discardRest();

 private:
  kj::Promise<bool> readHead();
  kj::Promise<void> refuse(HttpFault fault);
  size_t take(kj::ArrayPtr<char> into, size_t end);

  kj::Own<kj::AsyncIoStream> inner_;
  const HttpHosts& hosts_;
  LogLimiter& log_;
  const kj::String peer_;
  const kj::String local_;
  kj::Array<char> buffer_;
  size_t begin_ = 0;    // of what was not handed on
  size_t headEnd_ = 0;  // of the head that was let through
  size_t end_ = 0;
  RequestHead head_;
  bool ended_ = false;
};

}  // namespace cambium
