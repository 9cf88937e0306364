#include "tests/support/kafka_client.h"

namespace cambium::kafka {

kj::Promise<kj::Array<kj::byte>> KafkaClient::exchange(kj::Array<kj::byte> frame) {
  write(kj::mv(frame));
  auto paf = kj::newPromiseAndFulfiller<kj::Array<kj::byte>>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  if (!reading_) {
    reading_ = true;
    reader_ = readAnswers().eagerlyEvaluate([this](kj::Exception&& e) {
      reading_ = false;
      for (auto& waiting : waiting_)
        waiting->reject(kj::cp(e));
      waiting_.clear();
    });
  }
  return kj::mv(paf.promise);
}

void KafkaClient::write(kj::Array<kj::byte> bytes) {
  chain(
      [](kj::AsyncIoStream& stream, kj::Array<kj::byte> bytes) {
        auto whole = bytes.asPtr();
        return stream.write(whole.begin(), whole.size()).attach(kj::mv(bytes));
      },
      kj::mv(bytes));
}

void KafkaClient::shutdownWrite() {
  chain(
      [](kj::AsyncIoStream& stream, kj::Array<kj::byte>) {
        stream.shutdownWrite();
        return kj::Promise<void>(kj::READY_NOW);
      },
      nullptr);
}

void KafkaClient::chain(kj::Promise<void> (*step)(kj::AsyncIoStream&, kj::Array<kj::byte>), kj::Array<kj::byte> bytes) {
  auto next = writes_.addBranch()
                  .then([this, step, bytes = kj::mv(bytes)]() mutable { return step(*stream_, kj::mv(bytes)); })
                  .eagerlyEvaluate([](kj::Exception&&) {});
  writes_ = next.fork();
}

kj::Promise<void> KafkaClient::written() {
  return writes_.addBranch();
}

kj::Promise<void> KafkaClient::readAnswers() {
  while (!waiting_.empty()) {
    auto frame = co_await readFrame();
    auto first = kj::mv(waiting_.front());
    waiting_.pop_front();
    first->fulfill(kj::mv(frame));
  }
  reading_ = false;
}

kj::Promise<kj::Array<kj::byte>> KafkaClient::readFrame() {
  kj::byte length[4];
  if (co_await stream_->tryRead(length, sizeof(length), sizeof(length)) < sizeof(length)) {
    kj::throwFatalException(KJ_EXCEPTION(DISCONNECTED, "the broker has ended the connection"));
  }
  auto frame = kj::heapArray<kj::byte>(static_cast<size_t>(loadBigEndian<int32_t>(length)));
  co_await stream_->read(frame.begin(), frame.size());
  co_return kj::mv(frame);
}

kj::Promise<size_t> KafkaClient::readToEnd() {
  size_t total = 0;
  kj::byte buffer[4096];
  for (;;) {
    size_t got = 0;
    bool cut = false;
    try {
      got = co_await stream_->tryRead(buffer, 1, sizeof(buffer));
    } catch (const kj::Exception& e) {
      // A reset is an end, too: what the broker did not read anymore causes one.
      if (e.getType() != kj::Exception::Type::DISCONNECTED) throw;
      cut = true;
    }
    if (cut || got == 0) co_return total;
    total += got;
  }
}

}  // namespace cambium::kafka
