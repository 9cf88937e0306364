"""A proper request or two for each API; mutations.py makes odd ones of them.

What they name is either there on every broker (prepare() in peer.py made it), or made for the one case, which Fresh stands for.
"""

import dataclasses
import typing

from batch import batch
from codec import Ref
from peer import SUBSCRIPTION


class Fresh:
    """The names of one case."""

    def __init__(self, number):
        self.topic = f"case-{number}"    # two partitions, with "records" ten records in partition 0
        self.group = f"group-{number}"   # as the base needs it: with offsets, with a member, or not there
        self.new = f"new-{number}"       # never there
        self.topic_id = Ref("topic-id", self.topic)
        self.member = Ref("member", self.group)


@dataclasses.dataclass
class Base:
    """needs: of "topic", "records", "offsets", "member", "instance" (see Fresh). follow: what shows the effect afterwards, as
    [(API, version, value)]. patience: seconds after which an answer counts as waiting."""
    api: str
    value: typing.Callable
    needs: tuple = ()
    follow: typing.Callable | None = None
    patience: float = 8


def one_topic(name_field, topic, id_, partitions):
    return [{name_field: topic, "TopicId": id_, "Partitions": partitions}]


def plain(partitions, name_field="Name"):
    return one_topic(name_field, "plain", Ref("topic-id", "plain"), partitions)


def fetch(session, epoch):
    partition = {"Partition": 0, "FetchOffset": 3, "PartitionMaxBytes": 1 << 20}
    return lambda _: {"MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1 << 20, "SessionId": session, "SessionEpoch": epoch,
                      "Topics": plain([partition], "Topic")}


def produce(records):
    return lambda fresh: {"Acks": -1, "TimeoutMs": 5000, "TopicData": [
        {"Name": fresh.topic, "TopicId": fresh.topic_id, "PartitionData": [{"Index": 0, "Records": records}]}]}


def describe_topic(fresh):
    return [("Metadata", 12, {"Topics": [{"Name": fresh.topic}], "AllowAutoTopicCreation": False}),
            ("DescribeConfigs", 4, {"Resources": [{"ResourceType": 2, "ResourceName": fresh.topic, "ConfigurationKeys": [
                "retention.ms", "cleanup.policy", "max.message.bytes", "compression.type"]}]})]


def describe_new_topic(fresh):
    return [(api, version, {**value, **({"Topics": [{"Name": fresh.new}]} if api == "Metadata" else {})})
            for api, version, value in describe_topic(fresh)[:1]]


def log_of(fresh):
    return [("ListOffsets", 7, {"ReplicaId": -1, "Topics": [{"Name": fresh.topic, "Partitions": [
        {"PartitionIndex": 0, "Timestamp": time}]}]}) for time in (-1, -2)] + [
            ("Fetch", 11, {"MaxBytes": 1 << 20, "Topics": [{"Topic": fresh.topic, "Partitions": [
                {"Partition": 0, "FetchOffset": 0, "PartitionMaxBytes": 1 << 20}]}]})]


def offsets_of(fresh):
    return [("OffsetFetch", 7, {"GroupId": fresh.group, "Topics": None}), state_of(fresh)[0]]


def state_of(fresh):
    return [("DescribeGroups", 5, {"Groups": [fresh.group]})]


def commit(generation, member):
    return lambda fresh: {"GroupId": fresh.group, "GenerationIdOrMemberEpoch": generation,
                          "MemberId": fresh.member if member else "", "Topics": plain(
                              [{"PartitionIndex": 0, "CommittedOffset": 7, "CommittedMetadata": "about"}])}


def join(fresh):
    return {"GroupId": fresh.group, "SessionTimeoutMs": 1_800_000, "RebalanceTimeoutMs": 60_000, "ProtocolType": "consumer",
            "Protocols": [{"Name": "range", "Metadata": SUBSCRIPTION}]}


def of_member(**more):
    return lambda fresh: {"GroupId": fresh.group, "GenerationId": 1, "MemberId": fresh.member, **more}


def sync(fresh):
    return {"GroupId": fresh.group, "GenerationId": 1, "MemberId": fresh.member, "ProtocolType": "consumer",
            "ProtocolName": "range", "Assignments": [{"MemberId": fresh.member, "Assignment": b"other"}]}


def leave(fresh):
    return {"GroupId": fresh.group, "MemberId": fresh.member, "Members": [{"MemberId": fresh.member}]}


def leave_by_instance(fresh):
    return {"GroupId": fresh.group, "Members": [{"MemberId": "", "GroupInstanceId": "instance"}]}


def alter(fresh):
    return {"Resources": [{"ResourceType": 2, "ResourceName": fresh.topic, "Configs": [
        {"Name": "retention.ms", "ConfigOperation": 0, "Value": "86400000"}]}]}


def alter_list(fresh):
    return {"Resources": [{"ResourceType": 2, "ResourceName": fresh.topic, "Configs": [
        {"Name": "cleanup.policy", "ConfigOperation": 2, "Value": "compact"}]}]}


def describe_configs(type_, name, keys):
    return lambda _: {"Resources": [{"ResourceType": type_, "ResourceName": name, "ConfigurationKeys": keys}]}


def create(fresh):
    return {"Topics": [{"Name": fresh.new, "NumPartitions": 2, "ReplicationFactor": 1, "Configs": [
        {"Name": "retention.ms", "Value": "86400000"}]}], "timeoutMs": 10_000}


def create_assigned(fresh):
    return {"Topics": [{"Name": fresh.new, "NumPartitions": -1, "ReplicationFactor": -1, "Assignments": [
        {"PartitionIndex": 0, "BrokerIds": [1]}]}], "timeoutMs": 10_000}


def grow(assigned):
    return lambda fresh: {"Topics": [{"Name": fresh.topic, "Count": 3, "Assignments": [{"BrokerIds": [1]}] if assigned else None}],
                          "TimeoutMs": 10_000}


def reassign(replicas):
    return lambda fresh: {"TimeoutMs": 10_000, "Topics": [
        {"Name": fresh.topic, "Partitions": [{"PartitionIndex": 0, "Replicas": replicas}]}]}


def delete_records(fresh):
    return {"Topics": [{"Name": fresh.topic, "Partitions": [{"PartitionIndex": 0, "Offset": 4}]}], "TimeoutMs": 5000}


def offset_delete(fresh):
    return {"GroupId": fresh.group, "Topics": [{"Name": "plain", "Partitions": [{"PartitionIndex": 0}]}]}


def offset_fetch(topics):
    return lambda _: {"GroupId": "with-offsets", "Topics": topics and [{"Name": "plain", "PartitionIndexes": [0, 1]}],
                      "Groups": [{"GroupId": "with-offsets", "Topics": topics and [
                          {"Name": "plain", "TopicId": Ref("topic-id", "plain"), "PartitionIndexes": [0, 1]}]}]}


ACL = {"ResourceTypeFilter": 2, "ResourceNameFilter": "plain", "PatternTypeFilter": 3, "PrincipalFilter": None, "HostFilter": None,
       "Operation": 1, "PermissionType": 1}


def describe_quotas(_):
    return {"Components": [{"EntityType": "client-id", "MatchType": 0, "Match": "unknown"}], "Strict": False}


def alter_quotas(_):
    return {"Entries": [{"Entity": [{"EntityType": "client-id", "EntityName": "unknown"}], "Ops": [
        {"Key": "producer_byte_rate", "Value": 1e6, "Remove": False}]}], "ValidateOnly": True}


def alter_scram(_):
    return {"Deletions": [{"Name": "unknown", "Mechanism": 1}], "Upsertions": []}


# What only reads comes first: what is listed then does not depend on what the others did.
BASES = [
    Base("ApiVersions", lambda _: {"ClientSoftwareName": "differential", "ClientSoftwareVersion": "1.0"}),
    Base("ListGroups", lambda _: {"StatesFilter": ["Stable"], "TypesFilter": ["classic"]}),
    Base("ListGroups", lambda _: {}),
    Base("Metadata", lambda _: {"Topics": None}),
    Base("Metadata", lambda _: {"Topics": [{"Name": "plain"}, {"Name": "empty"}], "AllowAutoTopicCreation": False}),
    Base("Metadata", lambda _: {"Topics": [{"Name": None, "TopicId": Ref("topic-id", "plain")}], "AllowAutoTopicCreation": False}),
    Base("DescribeTopicPartitions", lambda _: {"Topics": [{"Name": "plain"}]}),
    Base("DescribeTopicPartitions", lambda _: {"Topics": [{"Name": "plain"}, {"Name": "empty"}], "ResponsePartitionLimit": 1,
                                               "Cursor": {"TopicName": "plain", "PartitionIndex": 1}}),
    Base("DescribeCluster", lambda _: {}),
    Base("DescribeQuorum", lambda _: {"Topics": [{"TopicName": "__cluster_metadata", "Partitions": [{"PartitionIndex": 0}]}]}),
    Base("DescribeLogDirs", lambda _: {"Topics": [{"Topic": "plain", "Partitions": [0, 1]}]}),
    Base("DescribeConfigs", describe_configs(2, "plain", ["retention.ms", "cleanup.policy"])),
    Base("DescribeConfigs", describe_configs(2, "compacted", None)),
    Base("DescribeConfigs", describe_configs(4, "1", None)),
    Base("DescribeConfigs", describe_configs(32, "with-offsets", None)),
    Base("ListConfigResources", lambda _: {"ResourceTypes": [4]}),
    Base("ListConfigResources", lambda _: {}),
    Base("DescribeAcls", lambda _: ACL),
    Base("CreateAcls", lambda _: {"Creations": [{"ResourceType": 2, "ResourceName": "plain", "ResourcePatternType": 3,
                                                 "Principal": "User:a", "Host": "*", "Operation": 3, "PermissionType": 3}]}),
    Base("DeleteAcls", lambda _: {"Filters": [{**ACL, "PatternTypeFilter": 3}]}),
    Base("DescribeClientQuotas", describe_quotas),
    Base("DescribeUserScramCredentials", lambda _: {"Users": [{"Name": "unknown"}]}),
    Base("DescribeUserScramCredentials", lambda _: {"Users": None}),
    Base("Fetch", fetch(0, -1), patience=2),
    Base("Fetch", fetch(0, 0), patience=2),
    Base("ListOffsets", lambda _: {"ReplicaId": -1, "Topics": plain([{"PartitionIndex": 0, "Timestamp": -1}])}),
    Base("ListOffsets", lambda _: {"ReplicaId": -1, "Topics": plain([{"PartitionIndex": 0, "Timestamp": 1_700_000_000_004}])}),
    Base("OffsetForLeaderEpoch", lambda _: {"ReplicaId": -1, "Topics": plain([{"Partition": 0, "LeaderEpoch": 0}], "Topic")}),
    Base("OffsetFetch", offset_fetch(True)),
    Base("OffsetFetch", offset_fetch(None)),
    Base("FindCoordinator", lambda _: {"Key": "with-offsets", "KeyType": 0, "CoordinatorKeys": ["with-offsets"]}),
    Base("DescribeGroups", lambda _: {"Groups": ["with-offsets", "with-member", "unknown"]}),
    Base("DescribeProducers", lambda _: {"Topics": [{"Name": "plain", "PartitionIndexes": [2]}]}),
    Base("DescribeTransactions", lambda _: {"TransactionalIds": ["unknown"]}),
    Base("ListTransactions", lambda _: {"StateFilters": ["Ongoing"], "ProducerIdFilters": [5]}),
    Base("ListPartitionReassignments", lambda _: {"Topics": [{"Name": "plain", "PartitionIndexes": [0]}]}),
    Base("ElectLeaders", lambda _: {"TopicPartitions": [{"Topic": "plain", "Partitions": [0]}]}),
    Base("InitProducerId", lambda _: {"TransactionalId": None, "TransactionTimeoutMs": 60_000}),
    Base("Produce", produce(batch(3)), ("topic",), log_of, patience=4),
    Base("DeleteRecords", delete_records, ("topic", "records"), log_of),
    Base("OffsetCommit", commit(-1, False), ("offsets",), offsets_of),
    Base("OffsetCommit", commit(1, True), ("member",), offsets_of),
    Base("OffsetDelete", offset_delete, ("offsets",), offsets_of),
    Base("JoinGroup", join, (), state_of, patience=2),
    Base("JoinGroup", lambda fresh: {**join(fresh), "MemberId": fresh.member}, ("member",), state_of, patience=2),
    Base("SyncGroup", sync, ("member",), state_of, patience=2),
    Base("Heartbeat", of_member(), ("member",), state_of),
    Base("Heartbeat", of_member(GroupInstanceId="instance"), ("instance",), state_of),
    Base("LeaveGroup", leave, ("member",), state_of),
    Base("LeaveGroup", leave_by_instance, ("instance",), state_of),
    Base("DeleteGroups", lambda fresh: {"GroupsNames": [fresh.group]}, ("offsets",), offsets_of),
    Base("IncrementalAlterConfigs", alter, ("topic",), describe_topic),
    Base("IncrementalAlterConfigs", alter_list, ("topic",), describe_topic),
    Base("AlterConfigs", alter, ("topic",), describe_topic, patience=4),
    Base("CreateTopics", create, (), describe_new_topic),
    Base("CreateTopics", create_assigned, (), describe_new_topic),
    Base("CreatePartitions", grow(False), ("topic",), describe_topic),
    Base("CreatePartitions", grow(True), ("topic",), describe_topic),
    Base("AlterPartitionReassignments", reassign([1]), ("topic",), describe_topic),
    Base("AlterPartitionReassignments", reassign(None), ("topic",), describe_topic),
    Base("DeleteTopics", lambda fresh: {"Topics": [{"Name": fresh.topic}], "TopicNames": [fresh.topic], "TimeoutMs": 5000},
         ("topic",), describe_topic),
    Base("DeleteTopics", lambda fresh: {"Topics": [{"Name": None, "TopicId": fresh.topic_id}], "TopicNames": [fresh.topic],
                                        "TimeoutMs": 5000}, ("topic",), describe_topic),
    Base("AlterReplicaLogDirs", lambda fresh: {"Dirs": [{"Path": "/unknown", "Topics": [{"Name": fresh.topic, "Partitions": [0]}]}]},
         ("topic",)),
    Base("AlterClientQuotas", alter_quotas),
    Base("AlterUserScramCredentials", alter_scram),
    Base("UpdateFeatures", lambda _: {"FeatureUpdates": [{"Feature": "unknown", "MaxVersionLevel": 1}]}),
]
