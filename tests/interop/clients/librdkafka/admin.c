#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/interop/clients/librdkafka/client.h"
#include "tests/interop/clients/librdkafka/session.h"

enum { kPartitions = 2, kRecords = 10, kNameBytes = 300 };

static void createTopic(struct Session* session, const char* topic, int partitions, int isOnlyCheck) {
  char error[kErrorBytes] = "";
  rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(topic, partitions, 1, error, sizeof error);
  if (wanted == NULL) fail("%s", error);
  if (partitions == 1) rd_kafka_NewTopic_set_config(wanted, "retention.ms", "3600000");
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_AdminOptions_set_operation_timeout(options, kCallTimeoutMs, error, sizeof error);
  rd_kafka_AdminOptions_set_validate_only(options, isOnlyCheck, error, sizeof error);
  rd_kafka_CreateTopics(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_NewTopic_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_CREATETOPICS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_CreateTopics_result_t* result = rd_kafka_event_CreateTopics_result((rd_kafka_event_t*)event);
  const rd_kafka_topic_result_t** results = rd_kafka_CreateTopics_result_topics(result, &count);
  noteTopics(session, results, count);
}

int create(const char* bootstrap, const char* topic, int partitions) {
  struct Session session = openSession(bootstrap);
  createTopic(&session, topic, partitions, 0);
  if (session.reason[0] != '\0') fail("%s", session.reason);
  closeSession(&session);
  return 0;
}

static void createPartitions(struct Session* session, const char* topic, size_t total) {
  char error[kErrorBytes] = "";
  rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(topic, total, error, sizeof error);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
  rd_kafka_AdminOptions_set_operation_timeout(options, kCallTimeoutMs, error, sizeof error);
  rd_kafka_CreatePartitions(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_NewPartitions_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_CREATEPARTITIONS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_CreatePartitions_result_t* result = rd_kafka_event_CreatePartitions_result((rd_kafka_event_t*)event);
  const rd_kafka_topic_result_t** results = rd_kafka_CreatePartitions_result_topics(result, &count);
  noteTopics(session, results, count);
}

static void deleteTopic(struct Session* session, const char* topic) {
  char error[kErrorBytes] = "";
  rd_kafka_DeleteTopic_t* wanted = rd_kafka_DeleteTopic_new(topic);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_DELETETOPICS);
  rd_kafka_AdminOptions_set_operation_timeout(options, kCallTimeoutMs, error, sizeof error);
  rd_kafka_DeleteTopics(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_DeleteTopic_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_DELETETOPICS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_DeleteTopics_result_t* result = rd_kafka_event_DeleteTopics_result((rd_kafka_event_t*)event);
  const rd_kafka_topic_result_t** results = rd_kafka_DeleteTopics_result_topics(result, &count);
  noteTopics(session, results, count);
}

static void alterConfig(struct Session* session, const char* topic, const char* name, const char* value) {
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
  rd_kafka_ConfigResource_set_config(resource, name, value);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
  rd_kafka_AlterConfigs(session->handle, &resource, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ConfigResource_destroy(resource);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_ALTERCONFIGS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_AlterConfigs_result_t* result = rd_kafka_event_AlterConfigs_result((rd_kafka_event_t*)event);
  const rd_kafka_ConfigResource_t** resources = rd_kafka_AlterConfigs_result_resources(result, &count);
  if (count != 1) note(session, "%zu results, not 1", count);
  for (size_t i = 0; i < count; i++) {
    noteError(session, rd_kafka_ConfigResource_error(resources[i]), rd_kafka_ConfigResource_error_string(resources[i]));
  }
}

// Asks for all configs and expects one of them to be as given; a NULL value only has to be there.
static void describeConfig(struct Session* session, rd_kafka_ResourceType_t type, const char* resourceName,
                           const char* name, const char* value) {
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(type, resourceName);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  rd_kafka_DescribeConfigs(session->handle, &resource, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ConfigResource_destroy(resource);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_DescribeConfigs_result_t* result = rd_kafka_event_DescribeConfigs_result((rd_kafka_event_t*)event);
  const rd_kafka_ConfigResource_t** resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
  if (count != 1) {
    note(session, "%zu results, not 1", count);
    return;
  }
  noteError(session, rd_kafka_ConfigResource_error(resources[0]), rd_kafka_ConfigResource_error_string(resources[0]));
  size_t entryCount = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(resources[0], &entryCount);
  for (size_t i = 0; i < entryCount; i++) {
    if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) != 0) continue;
    const char* found = rd_kafka_ConfigEntry_value(entries[i]);
    if (value != NULL && (found == NULL || strcmp(found, value) != 0)) {
      note(session, "%s is %s, not %s", name, found == NULL ? "null" : found, value);
    }
    return;
  }
  note(session, "%s is not among %zu configs", name, entryCount);
}

static void sendRecords(struct Session* session, const char* topic) {
  for (int i = 0; i < kRecords; i++) {
    noteError(session,
              rd_kafka_producev(session->handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                                RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_END),
              NULL);
  }
  noteError(session, rd_kafka_flush(session->handle, kCallTimeoutMs), NULL);
}

static void deleteRecords(struct Session* session, const char* topic, int64_t before) {
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic, 0)->offset = before;
  rd_kafka_DeleteRecords_t* wanted = rd_kafka_DeleteRecords_new(offsets);
  rd_kafka_topic_partition_list_destroy(offsets);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_DELETERECORDS);
  rd_kafka_DeleteRecords(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_DeleteRecords_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_DELETERECORDS_RESULT);
  if (event == NULL) return;
  const rd_kafka_DeleteRecords_result_t* result = rd_kafka_event_DeleteRecords_result((rd_kafka_event_t*)event);
  const rd_kafka_topic_partition_list_t* answered = rd_kafka_DeleteRecords_result_offsets(result);
  notePartitions(session, answered);
  if (answered->cnt != 1 || answered->elems[0].offset != before) note(session, "the start did not move");
}

static void checkWatermarks(struct Session* session, const char* topic, int64_t low, int64_t high) {
  int64_t foundLow = -1, foundHigh = -1;
  noteError(session, rd_kafka_query_watermark_offsets(session->handle, topic, 0, &foundLow, &foundHigh, kCallTimeoutMs),
            NULL);
  if (foundLow != low || foundHigh != high) {
    note(session, "%" PRId64 " to %" PRId64 ", not %" PRId64 " to %" PRId64, foundLow, foundHigh, low, high);
  }
}

static void checkOffsetsForTimes(struct Session* session, const char* topic) {
  rd_kafka_topic_partition_list_t* times = rd_kafka_topic_partition_list_new(2);
  int64_t hourAgo = ((int64_t)time(NULL) - 3600) * 1000;
  rd_kafka_topic_partition_list_add(times, topic, 0)->offset = hourAgo;
  noteError(session, rd_kafka_offsets_for_times(session->handle, times, kCallTimeoutMs), NULL);
  notePartitions(session, times);
  if (times->elems[0].offset != 0) note(session, "the first record is at %" PRId64, times->elems[0].offset);
  rd_kafka_topic_partition_list_destroy(times);
}

static void checkMetadata(struct Session* session, const char* topic, int partitions) {
  const struct rd_kafka_metadata* metadata = NULL;
  rd_kafka_resp_err_t error = rd_kafka_metadata(session->handle, 1, NULL, &metadata, kCallTimeoutMs);
  noteError(session, error, NULL);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  int found = -1;
  for (int i = 0; i < metadata->topic_cnt; i++) {
    if (strcmp(metadata->topics[i].topic, topic) == 0) found = metadata->topics[i].partition_cnt;
  }
  if (metadata->broker_cnt < 1) note(session, "no brokers");
  if (found != partitions) note(session, "%d partitions, not %d", found, partitions);
  rd_kafka_metadata_destroy(metadata);
}

static void administerCluster(struct Session* session) {
  char broker[16];
  char* cluster = rd_kafka_clusterid(session->handle, kCallTimeoutMs);
  if (cluster == NULL || cluster[0] == '\0') note(session, "there is none");
  if (cluster != NULL) rd_kafka_mem_free(session->handle, cluster);
  report(session, "clusterid");
  int32_t controller = rd_kafka_controllerid(session->handle, kCallTimeoutMs);
  if (controller < 0) note(session, "there is none");
  report(session, "controllerid");
  snprintf(broker, sizeof broker, "%" PRId32, controller);
  describeConfig(session, RD_KAFKA_RESOURCE_BROKER, broker, "log.retention.ms", NULL);
  report(session, "DescribeConfigs broker");
}

int admin(const char* bootstrap, const char* topic) {
  char name[kNameBytes], group[kNameBytes];
  snprintf(name, sizeof name, "%s-admin", topic);
  snprintf(group, sizeof group, "%s-admin-group", topic);
  struct Session session = openSession(bootstrap);
  administerCluster(&session);
  createTopic(&session, name, 1, 1);
  report(&session, "CreateTopics validate only");
  createTopic(&session, name, 1, 0);
  report(&session, "CreateTopics");
  createPartitions(&session, name, kPartitions);
  report(&session, "CreatePartitions");
  checkMetadata(&session, name, kPartitions);
  report(&session, "metadata");
  describeConfig(&session, RD_KAFKA_RESOURCE_TOPIC, name, "retention.ms", "3600000");
  report(&session, "DescribeConfigs topic");
  alterConfig(&session, name, "retention.ms", "7200000");
  describeConfig(&session, RD_KAFKA_RESOURCE_TOPIC, name, "retention.ms", "7200000");
  report(&session, "AlterConfigs");
  sendRecords(&session, name);
  checkWatermarks(&session, name, 0, kRecords);
  report(&session, "query_watermark_offsets");
  checkOffsetsForTimes(&session, name);
  report(&session, "offsets_for_times");
  deleteRecords(&session, name, kRecords / 2);
  checkWatermarks(&session, name, kRecords / 2, kRecords);
  report(&session, "DeleteRecords");
  administerGroups(&session, name, group);
  deleteTopic(&session, name);
  report(&session, "DeleteTopics");
  int failed = session.failed;
  closeSession(&session);
  return failed == 0 ? 0 : 1;
}
