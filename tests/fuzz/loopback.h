#pragma once

#include <deque>

#include <kj/async-io.h>

namespace cambium {

// A listening socket without a system below it: who connects is accepted, over pipes in memory. One loop.
class Loopback final : public kj::ConnectionReceiver {
 public:
  // The client's end.
  kj::Own<kj::AsyncIoStream> connect();

  kj::Promise<kj::Own<kj::AsyncIoStream>> accept() override;
  kj::uint getPort() override { return 9092; }

 private:
  std::deque<kj::Own<kj::AsyncIoStream>> arrived_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<kj::Own<kj::AsyncIoStream>>>> accepting_;
};

}  // namespace cambium
