"""Topics, configs, groups, offsets and the cluster through kafka-python's KafkaAdminClient."""

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic, OffsetSpec
from kafka.structs import OffsetAndMetadata
from pyclient import CALL_TIMEOUT_S, Calls

RECORDS = 10


def create(bootstrap, topic, partitions):
    KafkaAdminClient(bootstrap_servers=bootstrap).create_topics([NewTopic(topic, int(partitions), 1)])


def is_fine(errors):
    """Of calls that answer {thing: error class or None}."""
    return bool(errors) and all(error is None or getattr(error, "errno", None) == 0 for error in errors.values())


class AdminRun:
    """Every call on a topic and a group that belong to this run alone."""

    def __init__(self, bootstrap, topic):
        self.client = KafkaAdminClient(bootstrap_servers=bootstrap)
        self.producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
        self.topic, self.group = f"{topic}-admin", f"{topic}-admin-group"
        self.partition = TopicPartition(self.topic, 0)
        self.calls = Calls()

    def cluster(self):
        client, make = self.client, self.calls.make
        cluster = make("describe_cluster", client.describe_cluster, lambda answer: answer["cluster_id"] and answer["brokers"])
        self.broker = cluster["brokers"][0]["broker_id"] if cluster else 0
        make("api_versions", client.api_versions, lambda answer: len(answer) > 20)
        make("get_broker_version_data", lambda: client.get_broker_version_data(self.broker))
        make("describe_features", client.describe_features)
        make("update_features", lambda: client.update_features({}, validate_only=True))
        make("describe_metadata_quorum", client.describe_metadata_quorum, lambda answer: answer["topics"])
        make("list_config_resources", client.list_config_resources)
        broker = ConfigResource(ConfigResourceType.BROKER, str(self.broker))
        make("describe_configs broker", lambda: client.describe_configs([broker], config_filter="all"),
             lambda answer: "log.retention.ms" in answer["broker"][str(self.broker)])

    def topics(self):
        client, make, topic = self.client, self.calls.make, self.topic
        wanted = NewTopic(topic, 1, 1, topic_configs={"retention.ms": "3600000"})
        make("create_topics validate only", lambda: client.create_topics([wanted], validate_only=True))
        make("create_topics", lambda: client.create_topics([wanted]))
        make("create_partitions", lambda: client.create_partitions({topic: 2}))
        make("wait_for_topics", lambda: client.wait_for_topics([topic]))
        make("list_topics", client.list_topics, lambda topics: topic in topics)
        make("describe_topics", lambda: client.describe_topics([topic]), lambda answer: len(answer[0]["partitions"]) == 2)
        make("describe_topic_partitions", lambda: client.describe_topic_partitions([topic]), lambda answer: topic in repr(answer))
        make("describe_log_dirs", lambda: client.describe_log_dirs([topic]), lambda answer: topic in repr(answer))
        make("elect_leaders", lambda: client.elect_leaders(0, {topic: [0]}, raise_errors=False))
        make("alter_partition_reassignments", lambda: client.alter_partition_reassignments({self.partition: [self.broker]}), is_fine)
        make("list_partition_reassignments", client.list_partition_reassignments, lambda answer: answer == {})

    def configs(self):
        client, make, topic = self.client, self.calls.make, self.topic

        def resource(configs=None):
            return ConfigResource(ConfigResourceType.TOPIC, topic, configs)

        def value():
            configs = client.describe_configs([resource()], config_filter="all")["topic"][topic]
            return configs["retention.ms"]["value"]

        make("describe_configs topic", value, lambda found: found == "3600000")
        make("alter_configs incremental", lambda: client.alter_configs([resource({"retention.ms": "7200000"})], incremental=True))
        make("alter_configs incremental took effect", value, lambda found: found == "7200000")
        make("alter_configs", lambda: client.alter_configs([resource({"retention.ms": "1800000"})], incremental=False))
        make("alter_configs took effect", value, lambda found: found == "1800000")
        make("reset_configs", lambda: client.reset_configs([resource({"retention.ms": None})]))
        make("reset_configs took effect", value, lambda found: found == "604800000")

    def offsets(self):
        client, make, partition = self.client, self.calls.make, self.partition
        for _ in range(RECORDS):
            self.producer.send(self.topic, b"x", partition=0)
        self.producer.flush(CALL_TIMEOUT_S)
        for name, spec, expected in [("latest", OffsetSpec.LATEST, RECORDS), ("earliest", OffsetSpec.EARLIEST, 0), ("by time", 1, 0)]:
            make(f"list_partition_offsets {name}", lambda spec=spec: client.list_partition_offsets({partition: spec})[partition].offset,
                 lambda found, expected=expected: found == expected)
        make("describe_producers", lambda: client.describe_producers([partition]), lambda answer: self.topic in repr(answer))
        make("delete_records", lambda: client.delete_records({partition: RECORDS // 2}), lambda answer: f"{RECORDS // 2}" in repr(answer))
        make("list_transactions", client.list_transactions)

    def groups(self):
        client, make, group, partition = self.client, self.calls.make, self.group, self.partition

        def committed():
            return client.list_group_offsets({group: [partition]})[group][partition].offset

        make("alter_group_offsets", lambda: client.alter_group_offsets(group, {partition: OffsetAndMetadata(7, "", -1)}), is_fine)
        make("list_group_offsets", committed, lambda offset: offset == 7)
        make("reset_group_offsets", lambda: client.reset_group_offsets(group, {partition: OffsetSpec.EARLIEST}))
        make("reset_group_offsets took effect", committed, lambda offset: offset == RECORDS // 2)
        make("list_groups", client.list_groups, lambda answer: group in repr(answer))
        make("list_groups by state", lambda: client.list_groups(states_filter=["Empty"]), lambda answer: group in repr(answer))
        make("describe_groups", lambda: client.describe_groups([group]), lambda answer: answer[group]["group_state"] == "Empty")
        make("delete_group_offsets", lambda: client.delete_group_offsets(group, [partition]), is_fine)
        make("delete_groups", lambda: client.delete_groups([group]), lambda answer: "Error" not in repr(answer).replace("NoError", ""))

    def delete(self):
        self.calls.make("delete_topics", lambda: self.client.delete_topics([self.topic]))
        self.calls.make("delete_topics took effect", self.client.list_topics, lambda topics: self.topic not in topics)


def admin(bootstrap, topic):
    each = AdminRun(bootstrap, topic)
    for part in [each.cluster, each.topics, each.configs, each.offsets, each.groups, each.delete]:
        part()
    return 1 if each.calls.failed else 0
