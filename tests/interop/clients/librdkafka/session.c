#include "tests/interop/clients/librdkafka/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/interop/clients/librdkafka/client.h"

struct Session openSession(const char* bootstrap) {
  struct Session session;
  memset(&session, 0, sizeof session);
  session.handle = newHandle(RD_KAFKA_PRODUCER, newConfig(bootstrap));
  session.queue = rd_kafka_queue_new(session.handle);
  return session;
}

void closeSession(struct Session* session) {
  if (session->event != NULL) rd_kafka_event_destroy(session->event);
  rd_kafka_queue_destroy(session->queue);
  rd_kafka_destroy(session->handle);
}

rd_kafka_AdminOptions_t* newOptions(struct Session* session, rd_kafka_admin_op_t operation) {
  char error[kErrorBytes];
  rd_kafka_AdminOptions_t* options = rd_kafka_AdminOptions_new(session->handle, operation);
  if (rd_kafka_AdminOptions_set_request_timeout(options, kCallTimeoutMs, error, sizeof error) != 0) fail("%s", error);
  return options;
}

const rd_kafka_event_t* awaitAnswer(struct Session* session, rd_kafka_event_type_t expected) {
  if (session->event != NULL) rd_kafka_event_destroy(session->event);
  session->event = rd_kafka_queue_poll(session->queue, kCallTimeoutMs + 5000);
  if (session->event == NULL) {
    note(session, "no answer");
    return NULL;
  }
  if (rd_kafka_event_error(session->event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    note(session, "%s", rd_kafka_event_error_string(session->event));
    return NULL;
  }
  if (rd_kafka_event_type(session->event) != expected) {
    note(session, "an event of another kind: %s", rd_kafka_event_name(session->event));
    return NULL;
  }
  return session->event;
}

void note(struct Session* session, const char* format, ...) {
  if (session->reason[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(session->reason, sizeof session->reason, format, arguments);
  va_end(arguments);
}

void noteError(struct Session* session, rd_kafka_resp_err_t error, const char* text) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) note(session, "%s", text != NULL ? text : rd_kafka_err2str(error));
}

void noteTopics(struct Session* session, const rd_kafka_topic_result_t** results, size_t count) {
  if (count != 1) note(session, "%zu results, not 1", count);
  for (size_t i = 0; i < count; i++) {
    noteError(session, rd_kafka_topic_result_error(results[i]), rd_kafka_topic_result_error_string(results[i]));
  }
}

void notePartitions(struct Session* session, const rd_kafka_topic_partition_list_t* partitions) {
  for (int i = 0; partitions != NULL && i < partitions->cnt; i++) {
    noteError(session, partitions->elems[i].err, NULL);
  }
}

void noteGroups(struct Session* session, const rd_kafka_group_result_t** results, size_t count) {
  if (count != 1) note(session, "%zu results, not 1", count);
  for (size_t i = 0; i < count; i++) {
    const rd_kafka_error_t* error = rd_kafka_group_result_error(results[i]);
    if (error != NULL) note(session, "%s", rd_kafka_error_string(error));
    notePartitions(session, rd_kafka_group_result_partitions(results[i]));
  }
}

void report(struct Session* session, const char* call) {
  if (session->reason[0] == '\0') {
    printf("ok %s\n", call);
  } else {
    session->failed++;
    printf("failed %s: %s\n", call, session->reason);
  }
  fflush(stdout);
  session->reason[0] = '\0';
}
