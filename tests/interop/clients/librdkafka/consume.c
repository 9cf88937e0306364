#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/interop/clients/librdkafka/client.h"

enum { kPollMs = 100 };

static void tell(const char* change, const rd_kafka_topic_partition_list_t* partitions) {
  if (partitions->cnt == 0) return;
  fprintf(stderr, "%s ", change);
  for (int i = 0; i < partitions->cnt; i++) {
    fprintf(stderr, "%s%" PRId32, i == 0 ? "" : ",", partitions->elems[i].partition);
  }
  fputs("\n", stderr);
}

// Only what was printed has been stored, so committing what is stored never runs ahead.
static void commitStored(rd_kafka_t* consumer) {
  rd_kafka_resp_err_t error = rd_kafka_commit(consumer, NULL, 0);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET) {
    fprintf(stderr, "commit: %s\n", rd_kafka_err2str(error));
  }
}

static void onRebalance(rd_kafka_t* consumer, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions,
                        void* opaque) {
  (void)opaque;
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    tell("assigned", partitions);
    rd_kafka_assign(consumer, partitions);
    return;
  }
  if (!rd_kafka_assignment_lost(consumer)) commitStored(consumer);
  tell("revoked", partitions);
  rd_kafka_assign(consumer, NULL);
}

static void print(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = NULL;
  const void* header = "";
  size_t headerBytes = 0;
  if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_header_get_last(headers, "line", &header, &headerBytes);
  }
  printf("%" PRId32 "\t%" PRId64 "\t", message->partition, message->offset);
  fwrite(message->key, 1, message->key_len, stdout);
  fputc('\t', stdout);
  fwrite(message->payload, 1, message->len, stdout);
  fputc('\t', stdout);
  fwrite(header, 1, headerBytes, stdout);
  fputc('\n', stdout);
  fflush(stdout);
}

int consume(const char* bootstrap, const char* topic, const char* group, long count) {
  rd_kafka_conf_t* config = newConfig(bootstrap);
  setConfig(config, "group.id", group);
  setConfig(config, "session.timeout.ms", "6000");
  setConfig(config, "heartbeat.interval.ms", "500");
  setConfig(config, "auto.offset.reset", "earliest");
  setConfig(config, "enable.auto.offset.store", "false");
  setConfig(config, "auto.commit.interval.ms", "500");
  rd_kafka_conf_set_rebalance_cb(config, onRebalance);
  rd_kafka_t* consumer = newHandle(RD_KAFKA_CONSUMER, config);
  rd_kafka_poll_set_consumer(consumer);

  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
  rd_kafka_resp_err_t error = rd_kafka_subscribe(consumer, topics);
  rd_kafka_topic_partition_list_destroy(topics);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail("subscribe: %s", rd_kafka_err2str(error));

  long printed = 0;
  while (!isAskedToStop() && (count == 0 || printed < count)) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, kPollMs);
    if (message == NULL) continue;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      fail("partition %" PRId32 ": %s", message->partition, rd_kafka_message_errstr(message));
    }
    print(message);
    printed++;
    rd_kafka_offset_store(message->rkt, message->partition, message->offset);
    rd_kafka_message_destroy(message);
  }
  error = rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail("close: %s", rd_kafka_err2str(error));
  return 0;
}

int committed(const char* bootstrap, const char* topic, const char* group, int partitions) {
  rd_kafka_conf_t* config = newConfig(bootstrap);
  setConfig(config, "group.id", group);
  rd_kafka_t* consumer = newHandle(RD_KAFKA_CONSUMER, config);
  rd_kafka_topic_partition_list_t* wanted = rd_kafka_topic_partition_list_new(partitions);
  for (int32_t i = 0; i < partitions; i++)
    rd_kafka_topic_partition_list_add(wanted, topic, i);
  rd_kafka_resp_err_t error = rd_kafka_committed(consumer, wanted, kCallTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail("committed: %s", rd_kafka_err2str(error));
  for (int i = 0; i < wanted->cnt; i++) {
    // Nothing committed is a negative offset.
    int64_t offset = wanted->elems[i].offset < 0 ? 0 : wanted->elems[i].offset;
    printf("%" PRId32 "\t%" PRId64 "\n", wanted->elems[i].partition, offset);
  }
  rd_kafka_topic_partition_list_destroy(wanted);
  rd_kafka_destroy(consumer);
  return 0;
}
