"""Topics, configs, groups and offsets through confluent-kafka's AdminClient."""

from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, ElectionType, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec,
                                   ResourceType)
from pyclient import CALL_TIMEOUT_S, Calls

RECORDS = 10


def only(futures):
    """The answer of a call about one thing."""
    (future,) = futures.values() if isinstance(futures, dict) else [futures]
    return future.result(CALL_TIMEOUT_S)


def create(bootstrap, topic, partitions):
    client = AdminClient({"bootstrap.servers": bootstrap})  # it has to live until the answer is there
    only(client.create_topics([NewTopic(topic, int(partitions), 1)]))


class AdminRun:
    """Every call on a topic and a group that belong to this run alone."""

    def __init__(self, bootstrap, topic):
        self.client = AdminClient({"bootstrap.servers": bootstrap})
        self.producer = Producer({"bootstrap.servers": bootstrap})
        self.topic, self.group = f"{topic}-admin", f"{topic}-admin-group"
        self.calls = Calls()

    def cluster(self):
        self.calls.make("cluster_id", lambda: self.client.cluster_id(timeout=CALL_TIMEOUT_S))
        cluster = self.calls.make("describe_cluster", lambda: only(self.client.describe_cluster()),
                                  lambda answer: answer.cluster_id and answer.controller and len(answer.nodes) >= 1)
        broker = str(cluster.controller.id) if cluster else "0"
        self.calls.make("describe_configs broker", lambda: only(self.client.describe_configs([ConfigResource(ResourceType.BROKER, broker)])),
                        lambda configs: "log.retention.ms" in configs)

    def topics(self):
        client, topic = self.client, self.topic
        wanted = NewTopic(topic, 1, 1, config={"retention.ms": "3600000"})
        self.calls.make("create_topics validate only", lambda: only(client.create_topics([wanted], validate_only=True)))
        self.calls.make("create_topics", lambda: only(client.create_topics([wanted])))
        self.calls.make("create_partitions", lambda: only(client.create_partitions([NewPartitions(topic, 2)])))
        self.calls.make("list_topics", lambda: client.list_topics(timeout=CALL_TIMEOUT_S),
                        lambda answer: len(answer.topics[topic].partitions) == 2)
        self.calls.make("describe_topics", lambda: only(client.describe_topics(TopicCollection([topic]))),
                        lambda answer: len(answer.partitions) == 2 and answer.topic_id)
        self.calls.make("elect_leaders", lambda: only(client.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, 0)])))

    def configs(self):
        client = self.client
        resource = ConfigResource(ResourceType.TOPIC, self.topic)

        def value(name):
            return only(client.describe_configs([resource]))[name].value

        self.calls.make("describe_configs topic", lambda: value("retention.ms"), lambda found: found == "3600000")
        changed = ConfigResource(ResourceType.TOPIC, self.topic, incremental_configs=[
            ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)])
        self.calls.make("incremental_alter_configs", lambda: only(client.incremental_alter_configs([changed])))
        self.calls.make("incremental_alter_configs took effect", lambda: value("retention.ms"), lambda found: found == "7200000")
        replaced = ConfigResource(ResourceType.TOPIC, self.topic, set_config={"max.message.bytes": "500000"})
        self.calls.make("alter_configs", lambda: only(client.alter_configs([replaced])))
        self.calls.make("alter_configs took effect", lambda: (value("retention.ms"), value("max.message.bytes")),
                        lambda found: found == ("604800000", "500000"))

    def offsets(self):
        partition = TopicPartition(self.topic, 0)
        for _ in range(RECORDS):
            self.producer.produce(self.topic, b"x", partition=0)
        self.producer.flush(CALL_TIMEOUT_S)
        for name, spec, expected in [("latest", OffsetSpec.latest(), RECORDS), ("earliest", OffsetSpec.earliest(), 0),
                                     ("by time", OffsetSpec.for_timestamp(1), 0),
                                     ("max timestamp", OffsetSpec.max_timestamp(), None)]:
            self.calls.make(f"list_offsets {name}", lambda spec=spec: only(self.client.list_offsets({partition: spec})).offset,
                            lambda found, expected=expected: found == expected or (expected is None and 0 <= found < RECORDS))
        cut = TopicPartition(self.topic, 0, RECORDS // 2)
        self.calls.make("delete_records", lambda: only(self.client.delete_records([cut])).low_watermark, lambda low: low == RECORDS // 2)

    def groups(self):
        client, group = self.client, self.group
        committed = ConsumerGroupTopicPartitions(group, [TopicPartition(self.topic, 0, 7)])
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(self.topic, 0)])
        self.calls.make("alter_consumer_group_offsets", lambda: only(client.alter_consumer_group_offsets([committed])))
        self.calls.make("list_consumer_group_offsets", lambda: only(client.list_consumer_group_offsets([asked])),
                        lambda answer: answer.topic_partitions[0].offset == 7)
        self.calls.make("list_consumer_groups", lambda: only(client.list_consumer_groups()),
                        lambda answer: not answer.errors and group in [g.group_id for g in answer.valid])
        self.calls.make("list_consumer_groups by state", lambda: only(client.list_consumer_groups(states={ConsumerGroupState.EMPTY})),
                        lambda answer: not answer.errors and group in [g.group_id for g in answer.valid])
        self.calls.make("describe_consumer_groups", lambda: only(client.describe_consumer_groups([group])),
                        lambda answer: answer.state == ConsumerGroupState.EMPTY and not answer.members)
        self.calls.make("list_groups", lambda: client.list_groups(group, timeout=CALL_TIMEOUT_S), lambda answer: len(answer) == 1)
        self.calls.make("delete_consumer_groups", lambda: only(client.delete_consumer_groups([group])))

    def delete(self):
        self.calls.make("delete_topics", lambda: only(self.client.delete_topics([self.topic])))
        self.calls.make("delete_topics took effect", lambda: self.client.list_topics(timeout=CALL_TIMEOUT_S).topics,
                        lambda topics: self.topic not in topics)


def admin(bootstrap, topic):
    each = AdminRun(bootstrap, topic)
    for part in [each.cluster, each.topics, each.configs, each.offsets, each.groups, each.delete]:
        part()
    return 1 if each.calls.failed else 0
