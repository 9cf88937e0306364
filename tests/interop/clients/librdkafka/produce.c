#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/interop/clients/librdkafka/client.h"

enum { kLineBytesMax = 1 << 20, kPollMs = 100 };

// What became of the records so far.
struct Outcome {
  long acked;
  long failed;
  char reason[kErrorBytes];
};

static void onDelivery(rd_kafka_t* producer, const rd_kafka_message_t* message, void* opaque) {
  struct Outcome* outcome = opaque;
  (void)producer;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    outcome->acked++;
  } else {
    outcome->failed++;
    snprintf(outcome->reason, sizeof outcome->reason, "%s", rd_kafka_err2str(message->err));
  }
}

static void sendLine(rd_kafka_t* producer, const char* topic, char* line, long number) {
  line[strcspn(line, "\n")] = '\0';
  char* value = strchr(line, '\t');
  if (value == NULL) fail("line %ld has no tab", number);
  size_t keyBytes = (size_t)(value - line);
  value++;
  char header[32];
  int headerBytes = snprintf(header, sizeof header, "%ld", number);
  rd_kafka_resp_err_t error;
  for (;;) {
    error = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(line, keyBytes),
                              RD_KAFKA_V_VALUE(value, strlen(value)), RD_KAFKA_V_HEADER("line", header, headerBytes),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) break;
    rd_kafka_poll(producer, kPollMs);
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) fail("line %ld: %s", number, rd_kafka_err2str(error));
  rd_kafka_poll(producer, 0);
}

int produce(const char* bootstrap, const char* topic, const char* codec, const char* path) {
  struct Outcome outcome = {0, 0, ""};
  rd_kafka_conf_t* config = newConfig(bootstrap);
  setConfig(config, "acks", "all");
  setConfig(config, "enable.idempotence", "true");
  setConfig(config, "compression.codec", codec);
  setConfig(config, "delivery.timeout.ms", "30000");
  rd_kafka_conf_set_dr_msg_cb(config, onDelivery);
  rd_kafka_conf_set_opaque(config, &outcome);
  rd_kafka_t* producer = newHandle(RD_KAFKA_PRODUCER, config);

  FILE* file = fopen(path, "r");
  if (file == NULL) fail("%s cannot be opened", path);
  char* line = malloc(kLineBytesMax);
  long number = 0;
  while (fgets(line, kLineBytesMax, file) != NULL)
    sendLine(producer, topic, line, ++number);
  free(line);
  fclose(file);
  rd_kafka_flush(producer, kCallTimeoutMs);
  int unsent = rd_kafka_outq_len(producer);
  rd_kafka_destroy(producer);
  if (outcome.failed > 0 || outcome.acked != number) {
    fail("%ld of %ld acked, %ld failed (%s), %d unsent", outcome.acked, number, outcome.failed, outcome.reason, unsent);
  }
  printf("acked %ld\n", outcome.acked);
  return 0;
}
