#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <kj/async-io.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"
#include "schema/cambium.capnp.h"

namespace cambium::client {

// A broker in memory behind the real schema, whose answers a test scripts. Lives with its client on one event loop and
// a virtual timer.
class FakeBroker {
 public:
  explicit FakeBroker(kj::Timer& timer);
  ~FakeBroker() noexcept(false);
  KJ_DISALLOW_COPY(FakeBroker);

  struct Partition {
    std::vector<kj::Array<kj::byte>> batches;  // stamped with their offsets
    int64_t logStart = 0;
    int64_t end = 0;
    std::vector<kj::Own<kj::PromiseFulfiller<void>>> readers;  // woken by appends
  };
  struct Topic {
    std::vector<Partition> partitions;
  };
  struct Append {
    std::string topic;
    int32_t partition;
    std::vector<std::string> values;
    rpc::Acks acks;
    kj::TimePoint at;
    int codec;
    bool accepted;
  };
  enum class Outcome {
    kAccept,
    kRefuse,        // kafkaStorageError
    kTooLarge,      // messageTooLarge
    kOverloaded,    // an exception
    kHang,          // never answers
    kCut,           // every connection breaks; nothing is appended
    kAcceptAndCut,  // appended, but the answer is lost
    kAcceptLater,   // appended, answered when release() is called
  };

  void addTopic(const char* name, int partitions);
  // Appends one batch from outside. Returns its base offset.
  int64_t append(const char* topic, int partition, const std::vector<std::string>& values);
  void cut();
  void release();
  std::vector<std::string> values(const char* topic, int partition);

  // What becomes of the next appends, in order; afterwards `always`.
  std::vector<Outcome> script;
  Outcome always = Outcome::kAccept;
  bool down = false;          // connecting is refused
  bool rejecting = false;     // the gate says no
  bool damagedReads = false;  // flips a byte in what is read

  std::map<std::string, Topic> topics;
  std::map<std::string, int64_t> committed;  // "group/topic/partition"
  std::vector<Append> appends;               // every attempt
  int connections = 0;
  int reads = 0;
  int64_t pushes = 0;
  std::vector<int64_t> readFrom;

  // --- For the capabilities.
  kj::Promise<void> answerAppend(const std::string& topic, int32_t partition, capnp::Data::Reader batches,
                                 rpc::Acks acks, rpc::Error::Builder error, rpc::Appended::Builder appended);
  kj::Own<kj::AsyncIoStream> accept();
  kj::Timer& timer() { return timer_; }

 private:
  struct Connection;
  void store(Partition& partition, capnp::Data::Reader batch);

  kj::Timer& timer_;
  kj::Vector<kj::Own<Connection>> connections_;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> held_;
  kj::Promise<void> cutting_ = kj::READY_NOW;
};

// Leads every address to one FakeBroker.
class FakeNetwork final : public kj::Network {
 public:
  explicit FakeNetwork(FakeBroker& broker) : broker_(broker) {}

  kj::Promise<kj::Own<kj::NetworkAddress>> parseAddress(kj::StringPtr address, kj::uint portHint) override;
  kj::Own<kj::NetworkAddress> getSockaddr(const void*, kj::uint) override { KJ_UNIMPLEMENTED("not here"); }
  kj::Own<kj::Network> restrictPeers(kj::ArrayPtr<const kj::StringPtr>, kj::ArrayPtr<const kj::StringPtr>) override {
    KJ_UNIMPLEMENTED("not here");
  }

 private:
  FakeBroker& broker_;
};

}  // namespace cambium::client
