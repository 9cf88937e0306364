#include "tests/fuzz/loopback.h"

#include <cstring>
#include <netinet/in.h>

namespace cambium {

namespace {

// A pipe's end that can be asked what sockets are asked.
class SocketLike final : public kj::AsyncIoStream {
 public:
  explicit SocketLike(kj::Own<kj::AsyncIoStream> pipe) : pipe_(kj::mv(pipe)) {}

  kj::Promise<size_t> tryRead(void* into, size_t least, size_t most) override {
    return pipe_->tryRead(into, least, most);
  }
  kj::Promise<void> write(const void* from, size_t size) override { return pipe_->write(from, size); }
  kj::Promise<void> write(kj::ArrayPtr<const kj::ArrayPtr<const kj::byte>> pieces) override {
    return pipe_->write(pieces);
  }
  kj::Promise<void> whenWriteDisconnected() override { return pipe_->whenWriteDisconnected(); }
  void shutdownWrite() override { pipe_->shutdownWrite(); }
  void abortRead() override { pipe_->abortRead(); }
  void setsockopt(int, int, const void*, kj::uint) override {}
  void getsockname(sockaddr* address, kj::uint* length) override { name(address, length); }
  void getpeername(sockaddr* address, kj::uint* length) override { name(address, length); }

 private:
  static void name(sockaddr* address, kj::uint* length) {
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_port = htons(9092);
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(address, &self, sizeof(self));
    *length = sizeof(self);
  }

  kj::Own<kj::AsyncIoStream> pipe_;
};

}  // namespace

kj::Own<kj::AsyncIoStream> Loopback::connect() {
  auto pipe = kj::newTwoWayPipe();
  auto server = kj::heap<SocketLike>(kj::mv(pipe.ends[0]));
  KJ_IF_MAYBE(waiting, accepting_) {
    (*waiting)->fulfill(kj::mv(server));
    accepting_ = nullptr;
  } else {
    arrived_.push_back(kj::mv(server));
  }
  return kj::mv(pipe.ends[1]);
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Loopback::accept() {
  if (!arrived_.empty()) {
    auto first = kj::mv(arrived_.front());
    arrived_.pop_front();
    return kj::mv(first);
  }
  auto paf = kj::newPromiseAndFulfiller<kj::Own<kj::AsyncIoStream>>();
  accepting_ = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

}  // namespace cambium
