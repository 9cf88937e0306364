#pragma once

// One admin handle with the queue its answers come on, and the line printed per call.

#include <librdkafka/rdkafka.h>

struct Session {
  rd_kafka_t* handle;
  rd_kafka_queue_t* queue;
  rd_kafka_event_t* event;  // the answer of the last call, kept for its views
  char reason[512];         // why the call at hand failed; empty while nothing did
  int failed;               // calls that failed so far
};

struct Session openSession(const char* bootstrap);
void closeSession(struct Session* session);

// Options with time limits of kCallTimeoutMs; to be destroyed by the caller.
rd_kafka_AdminOptions_t* newOptions(struct Session* session, rd_kafka_admin_op_t operation);

// The answer of the call just made, or NULL (the reason is noted). Valid until the next one.
const rd_kafka_event_t* awaitAnswer(struct Session* session, rd_kafka_event_type_t expected);

// Notes why the call at hand failed, formatted as by printf; the first reason stays.
void note(struct Session* session, const char* format, ...);
void noteError(struct Session* session, rd_kafka_resp_err_t error, const char* text);
void noteTopics(struct Session* session, const rd_kafka_topic_result_t** results, size_t count);
void noteGroups(struct Session* session, const rd_kafka_group_result_t** results, size_t count);
void notePartitions(struct Session* session, const rd_kafka_topic_partition_list_t* partitions);

// Prints "ok CALL" or "failed CALL: reason" and forgets the reason.
void report(struct Session* session, const char* call);

// The calls on a group of its own, made over a topic with two partitions.
void administerGroups(struct Session* session, const char* topic, const char* group);
