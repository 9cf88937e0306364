#pragma once

#include "client/connection.h"
#include "client/error_mapping.h"
#include "engine/base/error.h"
#include "engine/base/quantity.h"

// Private to the library: how producer, consumer and admin get at capabilities.

namespace cambium::client {

// A capability that is good for one connection.
template <class Client>
struct Access {
  Client cap;
  uint64_t generation;  // of the connection
};

// Connects if need be, looks the topic (and partition) up, in one round trip. An error is the broker's answer, or why
// it gave none (errorFrom()); never throws.
kj::Promise<Result<Access<rpc::Topic::Client>>> openTopic(Connection& connection, kj::String topic);
kj::Promise<Result<Access<rpc::Partition::Client>>> openPartition(Connection& connection, kj::String topic,
                                                                  PartitionIndex partition);

// The number of partitions that a topic has now. Never throws.
kj::Promise<Result<int32_t>> countPartitions(Connection& connection, kj::String topic);

// `promise`, or kRequestTimedOut when it is not done by `deadline`. Never throws.
template <class T>
kj::Promise<Result<T>> within(kj::Timer& timer, kj::TimePoint deadline, kj::Promise<Result<T>> promise) {
  auto late = timer.atTime(deadline).then(
      []() -> Result<T> { return makeError(ErrorCode::kRequestTimedOut, "the broker did not answer"); });
  return promise.exclusiveJoin(kj::mv(late)).catch_([](kj::Exception&& e) -> Result<T> { return errorFrom(e); });
}

// Delays that double from `firstMs` up to `maxMs`.
class Backoff {
 public:
  Backoff(uint32_t firstMs, uint32_t maxMs) : firstMs_(firstMs), maxMs_(maxMs) {}

  kj::Duration next() {
    uint64_t ms = kj::min(uint64_t{firstMs_} << kj::min(failures_, 20u), uint64_t{maxMs_});
    ++failures_;
    return ms * kj::MILLISECONDS;
  }
  void succeeded() { failures_ = 0; }

 private:
  uint32_t firstMs_;
  uint32_t maxMs_;
  uint32_t failures_ = 0;
};

}  // namespace cambium::client
