#include "bench/kafka/kafka_trials.h"

#include <kj/debug.h>
#include <kj/exception.h>

#include "bench/kafka/replayer.h"

namespace cambium::bench {

namespace {

// A topic for the time of one run.
class RunTopic {
 public:
  RunTopic(Peer& peer, const Workload& workload)
      : peer_(peer), name_(peer.makeTopic(static_cast<int>(workload.partitions), workload.durability)) {}
  ~RunTopic() noexcept(false) {
    unwind_.catchExceptionsIfUnwinding([this] { peer_.dropTopic(name_); });
  }
  KJ_DISALLOW_COPY(RunTopic);
  kj::StringPtr name() const { return name_; }

 private:
  Peer& peer_;
  kj::String name_;
  kj::UnwindDetector unwind_;
};

ClientLoad loadOf(const Workload& workload, kj::StringPtr topic, uint64_t records) {
  return ClientLoad{topic,           static_cast<int>(workload.partitions),
                    workload.acks,   workload.batch.value(),
                    records,         kj::str(workload.lingerMs),
                    workload.clients};
}

Sample rawProduce(const Workload& workload, Peer& peer, BatchSource& source) {
  RunTopic topic(peer, workload);
  return replay(peer.broker(), source, Replay{topic.name(), workload.batches(), workload.window});
}

Sample produce(const Workload& workload, Peer& peer) {
  RunTopic topic(peer, workload);
  return produceAll(peer.broker(), loadOf(workload, topic.name(), workload.batches()));
}

Sample produceRate(const Workload& workload, Peer& peer) {
  RunTopic topic(peer, workload);
  return produceAtRate(peer.broker(), loadOf(workload, topic.name(), workload.operations), workload.rate);
}

}  // namespace

Trial kafkaTrial(const Workload& workload, kj::StringPtr subject, Peer& peer) {
  auto name = kj::str(subject);
  if (workload.name == "raw-produce") {
    return {kj::mv(name), [&workload, &peer, source = kj::heap<BatchSource>(workload.batch)]() mutable {
              return rawProduce(workload, peer, *source);
            }};
  }
  if (workload.name == "produce") return {kj::mv(name), [&] { return produce(workload, peer); }};
  if (workload.name == "produce-rate") return {kj::mv(name), [&] { return produceRate(workload, peer); }};
  if (workload.name == "consume") {
    KJ_REQUIRE(peer.keepsRecords(), "this subject cannot be read from", subject);
    auto topic = kj::heap<RunTopic>(peer, workload);
    produceAll(peer.broker(), loadOf(workload, topic->name(), workload.batches()));
    return {kj::mv(name), [&workload, &peer, topic = kj::mv(topic)]() {
              return consumeAll(peer.broker(), loadOf(workload, topic->name(), workload.batches()));
            }};
  }
  KJ_FAIL_REQUIRE("there is no Kafka workload of this name; bench/README.md lists them", workload.name);
}

void warmUp(Peer& peer) {
  for (auto batch : {kibibytes(64), kibibytes(16)}) {
    Workload workload;
    workload.batch = batch;
    workload.total = mebibytes(192);
    workload.window = 8;
    BatchSource source(batch);
    rawProduce(workload, peer, source);
  }
  Workload workload;
  workload.batch = Bytes(100);
  workload.total = mebibytes(128);
  produce(workload, peer);
}

}  // namespace cambium::bench
