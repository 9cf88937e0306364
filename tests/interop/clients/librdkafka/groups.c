#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/interop/clients/librdkafka/client.h"
#include "tests/interop/clients/librdkafka/session.h"

static rd_kafka_topic_partition_list_t* bothPartitions(const char* topic, int64_t first, int64_t second) {
  rd_kafka_topic_partition_list_t* partitions = rd_kafka_topic_partition_list_new(2);
  rd_kafka_topic_partition_list_add(partitions, topic, 0)->offset = first;
  rd_kafka_topic_partition_list_add(partitions, topic, 1)->offset = second;
  return partitions;
}

static void alterOffsets(struct Session* session, const char* topic, const char* group) {
  rd_kafka_topic_partition_list_t* offsets = bothPartitions(topic, 7, 0);
  rd_kafka_AlterConsumerGroupOffsets_t* wanted = rd_kafka_AlterConsumerGroupOffsets_new(group, offsets);
  rd_kafka_topic_partition_list_destroy(offsets);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
  rd_kafka_AlterConsumerGroupOffsets(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_AlterConsumerGroupOffsets_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_ALTERCONSUMERGROUPOFFSETS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_AlterConsumerGroupOffsets_result_t* result =
      rd_kafka_event_AlterConsumerGroupOffsets_result((rd_kafka_event_t*)event);
  const rd_kafka_group_result_t** results = rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &count);
  noteGroups(session, results, count);
}

// Expects these committed offsets; a negative one stands for none.
static void listOffsets(struct Session* session, const char* topic, const char* group, int64_t first, int64_t second) {
  rd_kafka_topic_partition_list_t* partitions = bothPartitions(topic, 0, 0);
  rd_kafka_ListConsumerGroupOffsets_t* wanted = rd_kafka_ListConsumerGroupOffsets_new(group, partitions);
  rd_kafka_topic_partition_list_destroy(partitions);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  rd_kafka_ListConsumerGroupOffsets(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_ListConsumerGroupOffsets_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_ListConsumerGroupOffsets_result_t* result =
      rd_kafka_event_ListConsumerGroupOffsets_result((rd_kafka_event_t*)event);
  const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count);
  noteGroups(session, groups, count);
  if (session->reason[0] != '\0') return;
  const rd_kafka_topic_partition_list_t* found = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; i < found->cnt; i++) {
    int64_t expected = found->elems[i].partition == 0 ? first : second;
    int64_t offset = found->elems[i].offset;
    if (offset != expected && !(offset < 0 && expected < 0)) {
      note(session, "partition %" PRId32 ": %" PRId64 ", not %" PRId64, found->elems[i].partition, offset, expected);
    }
  }
}

static void deleteOffset(struct Session* session, const char* topic, const char* group) {
  rd_kafka_topic_partition_list_t* partitions = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(partitions, topic, 1);
  rd_kafka_DeleteConsumerGroupOffsets_t* wanted = rd_kafka_DeleteConsumerGroupOffsets_new(group, partitions);
  rd_kafka_topic_partition_list_destroy(partitions);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS);
  rd_kafka_DeleteConsumerGroupOffsets(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_DeleteConsumerGroupOffsets_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_DELETECONSUMERGROUPOFFSETS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_DeleteConsumerGroupOffsets_result_t* result =
      rd_kafka_event_DeleteConsumerGroupOffsets_result((rd_kafka_event_t*)event);
  const rd_kafka_group_result_t** results = rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &count);
  noteGroups(session, results, count);
}

static void listGroups(struct Session* session, const char* group, int isExpected) {
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
  rd_kafka_ListConsumerGroups(session->handle, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_LISTCONSUMERGROUPS_RESULT);
  if (event == NULL) return;
  const rd_kafka_ListConsumerGroups_result_t* result =
      rd_kafka_event_ListConsumerGroups_result((rd_kafka_event_t*)event);
  size_t errorCount = 0, count = 0;
  const rd_kafka_error_t** errors = rd_kafka_ListConsumerGroups_result_errors(result, &errorCount);
  if (errorCount > 0) note(session, "%s", rd_kafka_error_string(errors[0]));
  const rd_kafka_ConsumerGroupListing_t** groups = rd_kafka_ListConsumerGroups_result_valid(result, &count);
  int isFound = 0;
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rd_kafka_ConsumerGroupListing_group_id(groups[i]), group) == 0) isFound = 1;
  }
  if (isFound != isExpected) note(session, isFound ? "the group is listed" : "the group is not among %zu", count);
}

static void describeGroup(struct Session* session, const char* group, rd_kafka_consumer_group_state_t state) {
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  rd_kafka_DescribeConsumerGroups(session->handle, &group, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_DescribeConsumerGroups_result_t* result =
      rd_kafka_event_DescribeConsumerGroups_result((rd_kafka_event_t*)event);
  const rd_kafka_ConsumerGroupDescription_t** groups = rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
  if (count != 1) {
    note(session, "%zu groups, not 1", count);
    return;
  }
  const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(groups[0]);
  if (error != NULL) note(session, "%s", rd_kafka_error_string(error));
  rd_kafka_consumer_group_state_t found = rd_kafka_ConsumerGroupDescription_state(groups[0]);
  if (found != state) note(session, "the state is %s", rd_kafka_consumer_group_state_name(found));
}

static void listGroupsOld(struct Session* session, const char* group) {
  const struct rd_kafka_group_list* groups = NULL;
  rd_kafka_resp_err_t error = rd_kafka_list_groups(session->handle, group, &groups, kCallTimeoutMs);
  noteError(session, error, NULL);
  if (groups == NULL) return;
  if (groups->group_cnt != 1) note(session, "%d groups, not 1", groups->group_cnt);
  rd_kafka_group_list_destroy(groups);
}

static void deleteGroup(struct Session* session, const char* group) {
  rd_kafka_DeleteGroup_t* wanted = rd_kafka_DeleteGroup_new(group);
  rd_kafka_AdminOptions_t* options = newOptions(session, RD_KAFKA_ADMIN_OP_DELETEGROUPS);
  rd_kafka_DeleteGroups(session->handle, &wanted, 1, options, session->queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_DeleteGroup_destroy(wanted);
  const rd_kafka_event_t* event = awaitAnswer(session, RD_KAFKA_EVENT_DELETEGROUPS_RESULT);
  if (event == NULL) return;
  size_t count = 0;
  const rd_kafka_DeleteGroups_result_t* result = rd_kafka_event_DeleteGroups_result((rd_kafka_event_t*)event);
  const rd_kafka_group_result_t** results = rd_kafka_DeleteGroups_result_groups(result, &count);
  noteGroups(session, results, count);
}

void administerGroups(struct Session* session, const char* topic, const char* group) {
  alterOffsets(session, topic, group);
  report(session, "AlterConsumerGroupOffsets");
  listOffsets(session, topic, group, 7, 0);
  report(session, "ListConsumerGroupOffsets");
  listGroups(session, group, 1);
  report(session, "ListConsumerGroups");
  describeGroup(session, group, RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY);
  report(session, "DescribeConsumerGroups");
  listGroupsOld(session, group);
  report(session, "list_groups");
  deleteOffset(session, topic, group);
  listOffsets(session, topic, group, 7, -1);
  report(session, "DeleteConsumerGroupOffsets");
  deleteGroup(session, group);
  listGroups(session, group, 0);
  report(session, "DeleteGroups");
}
