#pragma once

#include <kj/async-io.h>
#include <kj/timer.h>

namespace cambium {

// A connection whose writes must end within a time each: a client that does not read what it asked for is cut off
// (DISCONNECTED) instead of holding its place for ever. Reads are passed on as they are; whoever reads sets limits to
// that.
class DeadlineStream final : public kj::AsyncIoStream {
 public:
  DeadlineStream(kj::Own<kj::AsyncIoStream> inner, kj::Timer& timer, kj::Duration writeTimeout)
      : inner_(kj::mv(inner)), timer_(timer), writeTimeout_(writeTimeout) {}

  kj::Promise<size_t> tryRead(void* buffer, size_t minBytes, size_t maxBytes) override {
    return inner_->tryRead(buffer, minBytes, maxBytes);
  }
  kj::Promise<void> write(const void* buffer, size_t size) override { return limited(inner_->write(buffer, size)); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return limited(inner_->write(pieces));
  }
  kj::Promise<void> whenWriteDisconnected() override { return inner_->whenWriteDisconnected(); }
  void shutdownWrite() override { inner_->shutdownWrite(); }
  void abortRead() override { inner_->abortRead(); }

 private:
  kj::Promise<void> limited(kj::Promise<void> write);

  kj::Own<kj::AsyncIoStream> inner_;
  kj::Timer& timer_;
  kj::Duration writeTimeout_;
};

}  // namespace cambium
