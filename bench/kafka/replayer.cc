#include "bench/kafka/replayer.h"

#include <cerrno>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

#include "bench/kafka/frames.h"

namespace cambium::bench {

namespace {

constexpr int kStalledMs = 60'000;
constexpr int kAttempts = 500;
constexpr useconds_t kAttemptUs = 20'000;
constexpr size_t kAnswerBufferBytes = 64 << 10;
constexpr size_t kRequestsKeptBytes = 512 << 10;  // fits a second-level cache, as what comes off a socket does

bool wouldBlock(ssize_t result) {
  if (result >= 0) return false;
  KJ_REQUIRE(errno == EAGAIN || errno == EINTR, "the connection to the broker failed", strerror(errno));
  return true;
}

class Replayer {
 public:
  Replayer(uint16_t port, BatchSource& source, const Replay& plan)
      : plan_(plan), fd_(connectTo(port)), latencies_(plan.batches), sentAt_(kj::heapArray<int64_t>(plan.window)) {
    KJ_REQUIRE(fd_.get() >= 0, "nobody listens on the broker's port", port);
    auto kept = kj::max(kRequestsKeptBytes / source.batchBytes(), size_t{2});
    for (size_t i = 0; i < kept; ++i)
      requests_.add(produceRequest(plan.topic, 0, 1, source.next()));
  }

  void run() {
    while (answered_ < plan_.batches) {
      bool moved = sendSome();
      moved |= receiveSome();
      if (!moved) waitForSocket();
    }
  }
  Latencies& latencies() { return latencies_; }

 private:
  bool maySend() const { return sent_ < plan_.batches && sent_ - answered_ < plan_.window; }

  // Returns whether anything went out.
  bool sendSome() {
    bool moved = false;
    while (maySend()) {
      auto& request = requests_[sent_ % requests_.size()];
      if (at_ == 0) {
        stampCorrelation(request, static_cast<int32_t>(sent_));
        sentAt_[sent_ % plan_.window] = Latencies::nowNs();
      }
      auto wrote = send(fd_, request.begin() + at_, request.size() - at_, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (wouldBlock(wrote)) break;
      moved = true;
      at_ += static_cast<size_t>(wrote);
      if (at_ < request.size()) break;
      at_ = 0;
      ++sent_;
    }
    return moved;
  }

  bool receiveSome() {
    auto got = recv(fd_, answers_ + held_, sizeof(answers_) - held_, MSG_DONTWAIT);
    if (wouldBlock(got)) return false;
    KJ_REQUIRE(got > 0, "the broker closed the connection", answered_);
    held_ += static_cast<size_t>(got);
    size_t begin = 0;
    while (held_ - begin >= kLengthBytes) {
      auto end = begin + kLengthBytes + frameLength(answers_ + begin);
      if (end > held_) break;
      take(ByteView(answers_ + begin + kLengthBytes, answers_ + end));
      begin = end;
    }
    memmove(answers_, answers_ + begin, held_ - begin);
    held_ -= begin;
    return true;
  }

  void take(ByteView frame) {
    auto answer = readProduceAnswer(frame);
    KJ_REQUIRE(answer.error == 0, "the broker refused a batch", answer.error, plan_.topic);
    KJ_REQUIRE(answer.correlation == static_cast<int32_t>(answered_), "answers out of order", answer.correlation);
    KJ_REQUIRE(answer.baseOffset > lastBase_, "offsets do not grow", answer.baseOffset, lastBase_);
    lastBase_ = answer.baseOffset;
    latencies_.add(Latencies::nowNs() - sentAt_[answered_ % plan_.window]);
    ++answered_;
  }

  void waitForSocket() {
    pollfd wanted{fd_, static_cast<short>(POLLIN | (maySend() ? POLLOUT : 0)), 0};
    KJ_REQUIRE(poll(&wanted, 1, kStalledMs) != 0, "the broker does not answer any more", answered_, plan_.batches);
  }

  const Replay& plan_;
  kj::AutoCloseFd fd_;
  kj::Vector<kj::Array<kj::byte>> requests_;
  Latencies latencies_;
  kj::Array<int64_t> sentAt_;  // by request, modulo the window
  uint64_t sent_ = 0;          // whole requests
  size_t at_ = 0;              // bytes sent of the next one
  uint64_t answered_ = 0;
  int64_t lastBase_ = -1;
  kj::byte answers_[kAnswerBufferBytes];
  size_t held_ = 0;
};

}  // namespace

Sample replay(const BrokerProcess& broker, BatchSource& source, const Replay& plan) {
  Replayer replayer(broker.port(), source, plan);
  BrokerWatch watch(broker);
  replayer.run();
  auto sample = watch.stop(plan.batches * static_cast<uint64_t>(source.records()), plan.batches * source.batchBytes());
  replayer.latencies().into(sample);
  return sample;
}

namespace {

// One request, one answer.
ProduceAnswer ask(int fd, ByteView request) {
  KJ_REQUIRE(send(fd, request.begin(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()),
             "the connection to the broker failed");
  kj::byte answer[1024];
  KJ_REQUIRE(recv(fd, answer, kLengthBytes, MSG_WAITALL) == kLengthBytes, "the broker closed the connection");
  auto length = frameLength(answer);
  KJ_REQUIRE(length <= sizeof(answer), "a long answer to a short request", length);
  KJ_REQUIRE(recv(fd, answer, length, MSG_WAITALL) == static_cast<ssize_t>(length), "the broker closed the connection");
  return readProduceAnswer(ByteView(answer, length));
}

}  // namespace

void awaitWritable(const BrokerProcess& broker, kj::StringPtr topic, int partitions) {
  kj::AutoCloseFd fd(connectTo(broker.port()));
  KJ_REQUIRE(fd.get() >= 0, "nobody listens on the broker's port", broker.port());
  BatchSource source(Bytes(1));
  for (int32_t partition = 0; partition < partitions; ++partition) {
    auto request = produceRequest(topic, partition, 1, source.next());
    for (int attempt = 0;; ++attempt) {
      auto error = ask(fd, request).error;
      if (error == 0) break;
      KJ_REQUIRE(attempt < kAttempts, "the broker does not take a record of a new topic", topic, partition, error);
      usleep(kAttemptUs);
    }
  }
}

}  // namespace cambium::bench
