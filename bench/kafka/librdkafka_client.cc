#include "bench/kafka/librdkafka_client.h"

#include <kj/debug.h>

namespace cambium::bench {

namespace {

constexpr int kAnswerMs = 20'000;
constexpr int kMeetAttempts = 50;

struct ConfDeleter {
  rd_kafka_conf_t* conf;
  ~ConfDeleter() {
    if (conf != nullptr) rd_kafka_conf_destroy(conf);
  }
};

}  // namespace

LibrdkafkaClient::LibrdkafkaClient(rd_kafka_type_t type, kj::StringPtr address, kj::ArrayPtr<const Setting> settings,
                                   void (*delivered)(rd_kafka_t*, const rd_kafka_message_t*, void*), void* opaque) {
  ConfDeleter owned{rd_kafka_conf_new()};
  char error[512];
  auto set = [&](kj::StringPtr name, kj::StringPtr value) {
    auto result = rd_kafka_conf_set(owned.conf, name.cStr(), value.cStr(), error, sizeof(error));
    KJ_REQUIRE(result == RD_KAFKA_CONF_OK, "librdkafka does not take a setting", error);
  };
  set("bootstrap.servers", address);
  set("log_level", "3");
  for (auto& setting : settings)
    set(setting.name, setting.value);
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(owned.conf, delivered);
  rd_kafka_conf_set_opaque(owned.conf, opaque);
  handle_ = rd_kafka_new(type, owned.conf, error, sizeof(error));
  KJ_REQUIRE(handle_ != nullptr, "librdkafka does not start", error);
  owned.conf = nullptr;  // the handle's now
}

LibrdkafkaClient::~LibrdkafkaClient() {
  rd_kafka_destroy(handle_);
}

void LibrdkafkaClient::meet(kj::StringPtr topic) {
  auto* handle = rd_kafka_topic_new(handle_, topic.cStr(), nullptr);
  KJ_DEFER(rd_kafka_topic_destroy(handle));
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int attempt = 0; attempt < kMeetAttempts; ++attempt) {
    const rd_kafka_metadata_t* metadata = nullptr;
    error = rd_kafka_metadata(handle_, 0, handle, &metadata, kAnswerMs);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      error = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
      rd_kafka_metadata_destroy(metadata);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    rd_kafka_poll(handle_, 100);
  }
  KJ_FAIL_REQUIRE("the broker does not tell of a topic", topic, rd_kafka_err2str(error));
}

TopicAdmin::TopicAdmin(kj::StringPtr address) : client_(RD_KAFKA_PRODUCER, address, nullptr) {}

namespace {

// One request of the admin API: sends, waits for the event, and gives the result of its one topic to the caller.
template <class Send, class Results>
void ask(rd_kafka_t* handle, rd_kafka_admin_op_t operation, kj::StringPtr topic, Send send, Results results) {
  auto* options = rd_kafka_AdminOptions_new(handle, operation);
  KJ_DEFER(rd_kafka_AdminOptions_destroy(options));
  char error[512];
  rd_kafka_AdminOptions_set_operation_timeout(options, kAnswerMs, error, sizeof(error));
  rd_kafka_AdminOptions_set_request_timeout(options, kAnswerMs, error, sizeof(error));
  auto* queue = rd_kafka_queue_new(handle);
  KJ_DEFER(rd_kafka_queue_destroy(queue));
  send(options, queue);
  auto* event = rd_kafka_queue_poll(queue, 2 * kAnswerMs);
  KJ_REQUIRE(event != nullptr, "the broker does not answer", topic);
  KJ_DEFER(rd_kafka_event_destroy(event));
  KJ_REQUIRE(rd_kafka_event_error(event) == 0, "a request about a topic failed", topic,
             rd_kafka_event_error_string(event));
  size_t count = 0;
  const rd_kafka_topic_result_t** list = results(event, &count);
  KJ_REQUIRE(count == 1, "an answer about one topic was expected", count);
  KJ_REQUIRE(rd_kafka_topic_result_error(list[0]) == 0, "the broker refused a request about a topic", topic,
             rd_kafka_err2name(rd_kafka_topic_result_error(list[0])));
}

}  // namespace

void TopicAdmin::create(kj::StringPtr topic, int partitions, kj::ArrayPtr<const Setting> configs) {
  char error[512];
  auto* wanted = rd_kafka_NewTopic_new(topic.cStr(), partitions, 1, error, sizeof(error));
  KJ_REQUIRE(wanted != nullptr, "librdkafka does not take a topic", error);
  KJ_DEFER(rd_kafka_NewTopic_destroy(wanted));
  for (auto& config : configs)
    rd_kafka_NewTopic_set_config(wanted, config.name.cStr(), config.value.cStr());
  ask(
      client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, topic,
      [&](auto* options, auto* queue) { rd_kafka_CreateTopics(client_.get(), &wanted, 1, options, queue); },
      [](auto* event, size_t* count) {
        return rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), count);
      });
}

void TopicAdmin::drop(kj::StringPtr topic) {
  auto* unwanted = rd_kafka_DeleteTopic_new(topic.cStr());
  KJ_DEFER(rd_kafka_DeleteTopic_destroy(unwanted));
  ask(
      client_.get(), RD_KAFKA_ADMIN_OP_DELETETOPICS, topic,
      [&](auto* options, auto* queue) { rd_kafka_DeleteTopics(client_.get(), &unwanted, 1, options, queue); },
      [](auto* event, size_t* count) {
        return rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), count);
      });
}

}  // namespace cambium::bench
