// What librdkafka_client.h says of produceAll, produceAtRate and consumeAll.

#include <atomic>
#include <sys/prctl.h>
#include <time.h>

#include <kj/debug.h>
#include <kj/thread.h>

#include "bench/kafka/librdkafka_client.h"

namespace cambium::bench {

namespace {

constexpr int kEndMs = 60'000;
constexpr size_t kConsumedAtOnce = 10'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

// Bytes that do not repeat, as records of one size.
kj::Array<kj::byte> payloadOf(size_t bytes) {
  auto payload = kj::heapArray<kj::byte>(bytes);
  uint64_t state = 1;
  for (auto& byte : payload) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<kj::byte>(state >> 56);
  }
  return payload;
}

struct TopicHandle {
  rd_kafka_topic_t* topic;
  TopicHandle(rd_kafka_t* client, kj::StringPtr name) : topic(rd_kafka_topic_new(client, name.cStr(), nullptr)) {}
  ~TopicHandle() { rd_kafka_topic_destroy(topic); }
  KJ_DISALLOW_COPY(TopicHandle);
};

// Hands one record to the client; waits while its queue is full. `poll` makes room.
template <class Poll>
void produce(rd_kafka_topic_t* topic, int32_t partition, kj::ArrayPtr<kj::byte> payload, void* opaque, Poll poll) {
  while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, payload.begin(), payload.size(), nullptr, 0, opaque) !=
         0) {
    auto error = rd_kafka_last_error();
    KJ_REQUIRE(error == RD_KAFKA_RESP_ERR__QUEUE_FULL, "librdkafka does not take a record", rd_kafka_err2str(error));
    poll();
  }
}

// Delivery reports of records that failed, for produceAll.
struct Refusals {
  uint64_t count = 0;
  rd_kafka_resp_err_t last = RD_KAFKA_RESP_ERR_NO_ERROR;

  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    if (message->err == 0) return;
    auto& self = *static_cast<Refusals*>(opaque);
    ++self.count;
    self.last = message->err;
  }
  void check() const { KJ_REQUIRE(count == 0, "records were not delivered", count, rd_kafka_err2str(last)); }
};

// A producer as one application has it.
class Producer {
 public:
  Producer(const BrokerProcess& broker, const ClientLoad& load)
      : load_(load),
        settings_{{"acks", load.acks},
                  {"linger.ms", load.lingerMs},
                  {"queue.buffering.max.messages", "500000"},
                  // A callback per record would be the client's cost, and the client is the limit.
                  {"delivery.report.only.error", "true"}},
        client_(RD_KAFKA_PRODUCER, broker.address(), settings_, Refusals::delivered, &refusals_),
        payload_(payloadOf(load.recordBytes)) {
    client_.meet(load.topic);
  }

  // Returns when all are acknowledged.
  void produceShare() {
    TopicHandle topic(client_.get(), load_.topic);
    for (uint64_t i = 0; i < load_.records / load_.clients; ++i) {
      produce(topic.topic, static_cast<int32_t>(i % static_cast<uint64_t>(load_.partitions)), payload_, nullptr,
              [&] { rd_kafka_poll(client_.get(), 1); });
    }
    auto error = rd_kafka_flush(client_.get(), kEndMs);
    refusals_.check();
    KJ_REQUIRE(error == 0, "records were not acknowledged in time", rd_kafka_err2str(error));
  }

 private:
  const ClientLoad& load_;
  Setting settings_[4];
  Refusals refusals_;
  LibrdkafkaClient client_;
  kj::Array<kj::byte> payload_;
};

}  // namespace

Sample produceAll(const BrokerProcess& broker, const ClientLoad& load) {
  kj::Vector<kj::Own<Producer>> producers;
  for (uint64_t i = 0; i < load.clients; ++i)
    producers.add(kj::heap<Producer>(broker, load));
  BrokerWatch watch(broker);
  {
    kj::Vector<kj::Own<kj::Thread>> others;
    for (auto& producer : producers.slice(1, producers.size()))
      others.add(kj::heap<kj::Thread>([&producer] { producer->produceShare(); }));
    producers[0]->produceShare();
  }
  auto records = load.records / load.clients * load.clients;
  return watch.stop(records, records * load.recordBytes);
}

namespace {

// The schedule of an open loop, and how late each record was acknowledged.
class Schedule {
 public:
  Schedule(uint64_t records, uint64_t rate) : stepNs_(kNsPerSecond / static_cast<int64_t>(rate)), latencies_(records) {}

  void begin() { begunNs_ = Latencies::nowNs(); }
  int64_t dueNs(uint64_t record) const { return begunNs_ + static_cast<int64_t>(record) * stepNs_; }
  uint64_t reported() const { return reported_.load(); }
  Latencies& latencies() { return latencies_; }
  const Refusals& refusals() const { return refusals_; }

  // On the thread that polls.
  static void delivered(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<Schedule*>(opaque);
    Refusals::delivered(client, message, &self.refusals_);
    self.latencies_.add(Latencies::nowNs() - self.dueNs(reinterpret_cast<uint64_t>(message->_private)));
    self.reported_.fetch_add(1);
  }

 private:
  int64_t stepNs_;
  int64_t begunNs_ = 0;
  Latencies latencies_;
  Refusals refusals_;
  std::atomic<uint64_t> reported_{0};
};

void sleepUntil(int64_t ns) {
  timespec when{ns / kNsPerSecond, ns % kNsPerSecond};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr);
}

}  // namespace

Sample produceAtRate(const BrokerProcess& broker, const ClientLoad& load, uint64_t rate) {
  Schedule schedule(load.records, rate);
  Setting settings[] = {{"acks", load.acks}, {"linger.ms", load.lingerMs}, {"queue.buffering.max.messages", "500000"}};
  LibrdkafkaClient client(RD_KAFKA_PRODUCER, broker.address(), settings, Schedule::delivered, &schedule);
  client.meet(load.topic);
  TopicHandle topic(client.get(), load.topic);
  auto payload = payloadOf(load.recordBytes);
  prctl(PR_SET_TIMERSLACK, 1);  // of this thread's sleeps, ns
  BrokerWatch watch(broker);
  schedule.begin();
  int64_t deadline = schedule.dueNs(load.records) + kEndMs * 1'000'000ll;
  {
    kj::Thread reports([&] {
      while (schedule.reported() < load.records && Latencies::nowNs() < deadline)
        rd_kafka_poll(client.get(), 100);
    });
    for (uint64_t i = 0; i < load.records; ++i) {
      if (schedule.dueNs(i) > Latencies::nowNs()) sleepUntil(schedule.dueNs(i));
      produce(topic.topic, static_cast<int32_t>(i % static_cast<uint64_t>(load.partitions)), payload,
              reinterpret_cast<void*>(i), [] { usleep(1000); });
    }
  }
  auto sample = watch.stop(load.records, load.records * load.recordBytes);
  schedule.refusals().check();
  KJ_REQUIRE(schedule.reported() == load.records, "records were not acknowledged in time", schedule.reported());
  schedule.latencies().into(sample);
  return sample;
}

Sample consumeAll(const BrokerProcess& broker, const ClientLoad& load) {
  Setting settings[] = {{"group.id", "bench"}, {"enable.auto.commit", "false"}, {"auto.offset.reset", "error"}};
  LibrdkafkaClient client(RD_KAFKA_CONSUMER, broker.address(), settings);
  rd_kafka_poll_set_consumer(client.get());
  client.meet(load.topic);
  auto* partitions = rd_kafka_topic_partition_list_new(load.partitions);
  KJ_DEFER(rd_kafka_topic_partition_list_destroy(partitions));
  for (int32_t i = 0; i < load.partitions; ++i)
    rd_kafka_topic_partition_list_add(partitions, load.topic.cStr(), i)->offset = 0;
  auto* queue = rd_kafka_queue_get_consumer(client.get());
  KJ_DEFER(rd_kafka_queue_destroy(queue));
  auto messages = kj::heapArray<rd_kafka_message_t*>(kConsumedAtOnce);

  BrokerWatch watch(broker);
  auto deadline = Latencies::nowNs() + kEndMs * 1'000'000ll;
  auto error = rd_kafka_assign(client.get(), partitions);
  KJ_REQUIRE(error == 0, "librdkafka does not take partitions", rd_kafka_err2str(error));
  uint64_t records = 0;
  uint64_t bytes = 0;
  while (records < load.records) {
    auto got = rd_kafka_consume_batch_queue(queue, 1000, messages.begin(), messages.size());
    KJ_REQUIRE(got >= 0 && Latencies::nowNs() < deadline, "records do not come", records, load.records);
    for (auto* message : messages.slice(0, static_cast<size_t>(got))) {
      KJ_REQUIRE(message->err == 0, "a record cannot be read", rd_kafka_err2str(message->err));
      ++records;
      bytes += message->len;
      rd_kafka_message_destroy(message);
    }
  }
  auto sample = watch.stop(records, bytes);
  rd_kafka_consumer_close(client.get());
  return sample;
}

}  // namespace cambium::bench
