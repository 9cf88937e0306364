#pragma once

#include <deque>

#include <kj/async-io.h>

#include "engine/base/coroutine.h"
#include "server/kafka/wire/all_messages.h"
#include "server/kafka/wire/reader.h"
#include "server/kafka/wire/writer.h"

namespace cambium::kafka {

template <class Request>
struct ResponseTo;
#define CAMBIUM_X(Name)              \
  template <>                        \
  struct ResponseTo<Name##Request> { \
    using Type = Name##Response;     \
  };
CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X

// A response and the frame that it borrows from.
template <class Response>
struct Answer {
  kj::Array<kj::byte> frame;
  Response body;

  Response* operator->() { return &body; }
};

// A request as a client sends it, length and header included.
template <class Request>
kj::Array<kj::byte> requestFrame(const Request& request, Version version, int32_t correlationId) {
  constexpr char kClientId[] = "test";
  constexpr int16_t kClientIdSize = sizeof(kClientId) - 1;
  return encodeBehind(request, version,
                      [&](auto& out, size_t total) {
                        out.number(static_cast<int32_t>(total) - 4);
                        out.number(Request::kFacts.key);
                        out.number(version);
                        out.number(correlationId);
                        out.number(kClientIdSize);
                        out.bytes(kj::arrayPtr(reinterpret_cast<const kj::byte*>(kClientId), kClientIdSize));
                        if (Request::kFacts.flexible(version)) out.unsignedVarint(0);
                      })
      .flatten();
}

// Reads the response in a frame without its length; throws when it is none, or has another correlation id.
template <class Response>
Answer<Response> readAnswer(kj::Array<kj::byte> frame, Version version, int32_t correlationId) {
  constexpr int16_t kApiVersions = 18;
  Answer<Response> answer{kj::mv(frame), {}};
  ByteReader in(answer.frame);
  KJ_REQUIRE(in.int32() == correlationId, "an answer to another request", correlationId);
  if (Response::kFacts.flexible(version) && Response::kFacts.key != kApiVersions) {
    KJ_REQUIRE(in.unsignedVarint32() == 0, "tagged fields in a response header");
  }
  auto body = answer.frame.slice(answer.frame.size() - in.remaining(), answer.frame.size());
  kj::String failure;
  KJ_REQUIRE(decode(body, version, answer.body, failure), Response::kFacts.name, version, failure);
  return answer;
}

// One connection of a Kafka client that does what it is told, and no more. Requests go out in the order of the calls,
// any number before an answer is read; answers belong to them in that order. Does not read from the stream while nobody
// waits for an answer. When the broker ends the connection, what waits fails with DISCONNECTED.
class KafkaClient {
 public:
  explicit KafkaClient(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)) {}
  KJ_DISALLOW_COPY(KafkaClient);

  template <class Request>
  kj::Promise<Answer<typename ResponseTo<Request>::Type>> call(const Request& request, Version version) {
    int32_t id = ++correlationId_;
    return exchange(requestFrame(request, version, id)).then([version, id](kj::Array<kj::byte> frame) {
      return readAnswer<typename ResponseTo<Request>::Type>(kj::mv(frame), version, id);
    });
  }
  // For requests that get no answer.
  template <class Request>
  void send(const Request& request, Version version) {
    write(requestFrame(request, version, ++correlationId_));
  }

  // Sends a frame and returns the next answer that belongs to nobody yet, without its length.
  kj::Promise<kj::Array<kj::byte>> exchange(kj::Array<kj::byte> frame);
  // Sends bytes as they are. Failures show when answers are read.
  void write(kj::Array<kj::byte> bytes);
  void write(std::initializer_list<kj::byte> bytes) { write(kj::heapArray<kj::byte>(bytes.begin(), bytes.size())); }
  // Done when everything that was written is with the system.
  kj::Promise<void> written();
  // Ends our side; answers can still be read.
  void shutdownWrite();
  // Bytes that came until the broker ended the connection. Not while answers are waited for.
  kj::Promise<size_t> readToEnd();
  kj::AsyncIoStream& stream() { return *stream_; }

 private:
  using Waiting = kj::Own<kj::PromiseFulfiller<kj::Array<kj::byte>>>;

  kj::Promise<void> readAnswers();
  kj::Promise<kj::Array<kj::byte>> readFrame();
  void chain(kj::Promise<void> (*step)(kj::AsyncIoStream&, kj::Array<kj::byte>), kj::Array<kj::byte> bytes);

  kj::Own<kj::AsyncIoStream> stream_;
  int32_t correlationId_ = 0;
  std::deque<Waiting> waiting_;
  bool reading_ = false;
  kj::ForkedPromise<void> writes_ = kj::Promise<void>(kj::READY_NOW).fork();
  kj::Promise<void> reader_ = nullptr;
};

}  // namespace cambium::kafka
