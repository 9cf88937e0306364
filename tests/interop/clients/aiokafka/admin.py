"""Topics, configs, groups and offsets through aiokafka's AIOKafkaAdminClient."""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pyclient import Calls

RECORDS = 10


async def create(bootstrap, topic, partitions):
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    answer = await client.create_topics([NewTopic(topic, int(partitions), 1)])
    await client.close()
    if not has_no_error(answer):
        raise RuntimeError(repr(answer))


def has_no_error(answer):
    """Of an answer with a list of (topic, error code, ...)."""
    errors = getattr(answer, "topic_errors", None) or answer.topic_error_codes
    return bool(errors) and all(error[1] == 0 for error in errors)


class AdminRun:
    """Every call on a topic and a group that belong to this run alone."""

    def __init__(self, bootstrap, topic):
        self.bootstrap = bootstrap
        self.client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self.topic, self.group = f"{topic}-admin", f"{topic}-admin-group"
        self.partition = TopicPartition(self.topic, 0)
        self.calls = Calls()

    async def topics(self):
        client, make, topic = self.client, self.calls.amake, self.topic
        wanted = NewTopic(topic, 1, 1, topic_configs={"retention.ms": "3600000"})
        await make("describe_cluster", client.describe_cluster, lambda answer: answer["cluster_id"] and answer["brokers"])
        await make("create_topics validate only", lambda: client.create_topics([wanted], validate_only=True), has_no_error)
        await make("create_topics", lambda: client.create_topics([wanted]), has_no_error)
        await make("create_partitions", lambda: client.create_partitions({topic: NewPartitions(2)}), has_no_error)
        await make("list_topics", client.list_topics, lambda topics: topic in topics)
        await make("describe_topics", lambda: client.describe_topics([topic]), lambda answer: len(answer[0]["partitions"]) == 2)

    async def configs(self):
        client, make, topic = self.client, self.calls.amake, self.topic

        async def value():
            (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            return {entry[0]: entry[1] for entry in answer.resources[0][4]}["retention.ms"]

        def is_fine(answers):
            return all(resource[0] == 0 for answer in answers for resource in answer.resources)

        changed = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7200000"})
        await make("describe_configs topic", value, lambda found: found == "3600000")
        await make("alter_configs", lambda: client.alter_configs([changed]), is_fine)
        await make("alter_configs took effect", value, lambda found: found == "7200000")

    async def offsets(self):
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=self.group, enable_auto_commit=False)
        await producer.start()
        await consumer.start()
        consumer.assign([self.partition])
        make, partition = self.calls.amake, self.partition
        for _ in range(RECORDS):
            await producer.send_and_wait(self.topic, b"x", partition=0)
        await make("end_offsets", lambda: consumer.end_offsets([partition]), lambda answer: answer[partition] == RECORDS)
        await make("offsets_for_times", lambda: consumer.offsets_for_times({partition: 1}), lambda answer: answer[partition].offset == 0)
        await make("delete_records", lambda: self.client.delete_records({partition: RecordsToDelete(RECORDS // 2)}),
                   lambda answer: answer[partition] == RECORDS // 2)
        await make("beginning_offsets", lambda: consumer.beginning_offsets([partition]),
                   lambda answer: answer[partition] == RECORDS // 2)
        await make("commit", lambda: consumer.commit({partition: 7}))
        await producer.stop()
        await consumer.stop()

    async def groups(self):
        client, make, group = self.client, self.calls.amake, self.group
        await make("find_coordinator", lambda: client.find_coordinator(group), lambda broker: broker >= 0)
        await make("list_consumer_group_offsets", lambda: client.list_consumer_group_offsets(group),
                   lambda answer: answer[self.partition].offset == 7)
        await make("list_consumer_groups", client.list_consumer_groups, lambda groups: group in [each[0] for each in groups])
        await make("describe_consumer_groups", lambda: client.describe_consumer_groups([group]),
                   lambda answers: answers[0].groups[0][:3] == (0, group, "Empty"))

    async def delete(self):
        await self.calls.amake("delete_topics", lambda: self.client.delete_topics([self.topic]), has_no_error)
        await self.calls.amake("delete_topics took effect", self.client.list_topics, lambda topics: self.topic not in topics)


async def admin(bootstrap, topic):
    each = AdminRun(bootstrap, topic)
    await each.client.start()
    for part in [each.topics, each.configs, each.offsets, each.groups, each.delete]:
        await part()
    await each.client.close()
    return 1 if each.calls.failed else 0
