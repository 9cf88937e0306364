"""One broker, as the differential test talks to it: a request at a time, over one connection."""

import socket
import struct
import time

from batch import batch
from codec import Raw, Reader, Unreadable, Writer
from schema import holds

CONNECT_S = 10
ANSWER_S = 20
FRAME_MAX = 64 << 20
CLIENT_ID = "differential"
HEADER_WITHOUT_TAGS = 18  # ApiVersions is answered with the old header whatever the version
COORDINATOR_NOT_AVAILABLE = 15
# Of a consumer, to the topic "plain": Kafka's coordinator reads it, and stands still when it cannot.
SUBSCRIPTION = b"\0\0" + struct.pack(">ih", 1, 5) + b"plain" + struct.pack(">i", -1)
CLOSED, WAITS = "closed", "no answer"


class Trouble(Exception):
    """The broker does not do what the test needs of it."""


def completed(fields, value, version):
    """value with every field that the version has: the schema's defaults for those that are not given."""
    out = {}
    for field in fields:
        if not holds(field.versions, version):
            continue
        if field.name not in value:
            out[field.name] = field.empty(version)
        elif field.fields is None or value[field.name] is None or isinstance(value[field.name], Raw):
            out[field.name] = value[field.name]
        elif field.is_array:
            out[field.name] = [completed(field.fields, one, version) for one in value[field.name]]
        else:
            out[field.name] = completed(field.fields, value[field.name], version)
    return out


class Peer:
    def __init__(self, name, address, messages):
        self.name = name
        host, _, port = address.rpartition(":")
        self.host, self.port = host, int(port)
        self.messages = messages
        self.refs = {}
        self.socket = None
        self.correlation = 0
        self.markers = 0

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    # --- Bytes ------------------------------------------------------------------------------------------------------------

    def header(self, key, version, is_flexible, client_id):
        self.correlation += 1
        name = struct.pack(">h", -1) if client_id is None else struct.pack(">h", len(client_id)) + client_id.encode()
        return struct.pack(">hhi", key, version, self.correlation) + name + (b"\0" if is_flexible else b"")

    def exchange(self, frame, patience):
        """The answer's bytes, CLOSED or WAITS; only the first leaves the connection open."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection((self.host, self.port), CONNECT_S)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.settimeout(patience)
            self.socket.sendall(struct.pack(">i", len(frame)) + frame)
            size = struct.unpack(">i", self.receive(4))[0]
            if not 0 <= size <= FRAME_MAX:
                raise Trouble(f"{self.name} announces an answer of {size} bytes")
            return self.receive(size)
        except TimeoutError:
            self.close()
            return WAITS
        except OSError:
            self.close()
            return CLOSED

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("the end of the connection")
            data += part
        return bytes(data)

    # --- Messages ---------------------------------------------------------------------------------------------------------

    def body(self, api, version, value):
        request = self.messages[api + "Request"]
        return Writer(request, version, self.resolve).write(completed(request.fields, value, version))

    def send(self, api, version, body, patience=ANSWER_S, client_id=CLIENT_ID):
        """The answer as a value, or CLOSED, WAITS, or what is wrong with it."""
        request, response = self.messages[api + "Request"], self.messages[api + "Response"]
        answer = self.exchange(self.header(request.key, version, request.is_flexible(version), client_id) + body, patience)
        if isinstance(answer, str):
            return answer
        if struct.unpack(">i", answer[:4])[0] != self.correlation:
            return "another correlation id"
        has_tags = response.is_flexible(version) and request.key != HEADER_WITHOUT_TAGS
        try:
            return Reader(response, version, answer[5 if has_tags else 4:]).read()
        except Unreadable as error:
            if request.key == HEADER_WITHOUT_TAGS:  # what a version that is not served is answered in
                return Reader(response, 0, answer[4:]).read()
            return f"unreadable: {error}"

    def ask(self, api, version, value):
        """As a part of the test's preparations: anything but an answer is Trouble."""
        answer = self.send(api, version, self.body(api, version, value))
        if not isinstance(answer, dict):
            raise Trouble(f"{self.name}, {api}: {answer}")
        return answer

    def resolve(self, ref):
        if (ref.kind, ref.of) not in self.refs:
            raise Trouble(f"{self.name} has no {ref.kind} of {ref.of}")
        return self.refs[ref.kind, ref.of]

    def name_of(self, kind, value):
        """What the Ref with that value is of, or None."""
        return next((of for (known, of), it in self.refs.items() if known == kind and it == value), None)

    # --- What cases need --------------------------------------------------------------------------------------------------

    def until(self, what, attempt):
        """Asks again until it is so: brokers get to know of changes a moment after these are answered."""
        end = time.monotonic() + ANSWER_S
        while not attempt():
            if time.monotonic() > end:
                raise Trouble(f"{self.name}: {what} did not come about within {ANSWER_S} s")
            time.sleep(0.01)

    def create_topics(self, names, partitions, configs=()):
        if not names:
            return
        configs = [{"Name": name, "Value": value} for name, value in configs]
        topics = [{"Name": name, "NumPartitions": partitions, "ReplicationFactor": 1, "Configs": configs} for name in names]
        for answer in self.ask("CreateTopics", 5, {"Topics": topics})["Topics"]:
            if answer["ErrorCode"] != 0:
                raise Trouble(f"{self.name} answers {answer['ErrorCode']} to CreateTopics {answer['Name']}")
        wanted = {"Topics": [{"Name": name} for name in names], "AllowAutoTopicCreation": False}

        def are_there():
            topics = self.ask("Metadata", 12, wanted)["Topics"]
            self.refs.update({("topic-id", topic["Name"]): topic["TopicId"] for topic in topics})
            return all(topic["ErrorCode"] == 0 and all(part["LeaderId"] >= 0 for part in topic["Partitions"])
                       for topic in topics)

        self.until(f"topics {names[0]} to {names[-1]}", are_there)

    def settle(self):
        """Returns when everything that was changed before is seen by every request: what is changed last is seen last."""
        self.markers += 1
        self.create_topics([f"marker-{self.markers}"], 1)

    def produce(self, topic, partition, records):
        """Returns the base offset."""
        value = {"Acks": -1, "TimeoutMs": 10_000, "TopicData": [
            {"Name": topic, "PartitionData": [{"Index": partition, "Records": records}]}]}
        answer = {}

        def is_taken():
            answer.update(self.ask("Produce", 9, value)["Responses"][0]["PartitionResponses"][0])
            return answer["ErrorCode"] in (0,)

        self.until(f"an append to {topic}-{partition}", is_taken)
        return answer["BaseOffset"]

    def commit(self, group, topic, offsets):
        partitions = [{"PartitionIndex": partition, "CommittedOffset": offset, "CommittedMetadata": "m"}
                      for partition, offset in offsets.items()]
        value = {"GroupId": group, "Topics": [{"Name": topic, "Partitions": partitions}]}

        def is_committed():
            topics = self.ask("OffsetCommit", 7, value)["Topics"]
            return all(part["ErrorCode"] == 0 for part in topics[0]["Partitions"])

        self.until(f"offsets of {group}", is_committed)

    def join(self, group, instance=None):
        """A group of one member, stable at generation 1; refs gets ("member", group)."""
        value = {"GroupId": group, "SessionTimeoutMs": 1_800_000, "RebalanceTimeoutMs": 60_000, "ProtocolType": "consumer",
                 "GroupInstanceId": instance, "Protocols": [{"Name": "range", "Metadata": SUBSCRIPTION}]}
        joined = {}

        def is_member():
            joined.update(self.ask("JoinGroup", 5 if instance else 3, value))
            if joined["ErrorCode"] == 79:
                value["MemberId"] = joined["MemberId"]
            return joined["ErrorCode"] == 0

        self.until(f"a member of {group}", is_member)
        self.refs["member", group] = joined["MemberId"]
        self.ask("SyncGroup", 3, {"GroupId": group, "GenerationId": 1, "MemberId": joined["MemberId"], "GroupInstanceId": instance,
                                  "Assignments": [{"MemberId": joined["MemberId"], "Assignment": b"assignment"}]})


def prepare(peer):
    """What every case may rely on; bases.py names it."""
    forever = ("retention.ms", "-1")
    peer.refs["cluster", ""] = peer.ask("DescribeCluster", 0, {})["ClusterId"]
    peer.create_topics(["plain"], 3, [forever])
    peer.create_topics(["empty"], 1)
    peer.create_topics(["compacted"], 1, [("cleanup.policy", "compact"), forever])
    for first in range(0, 10, 5):
        peer.produce("plain", 0, batch(5, first))
    peer.produce("plain", 1, batch(1))
    producer = {}

    def has_id():
        producer.update(peer.ask("InitProducerId", 1, {"TransactionalId": None, "TransactionTimeoutMs": 60_000}))
        return producer["ErrorCode"] == 0

    peer.until("a producer id", has_id)
    peer.produce("plain", 2, batch(3, producer=(producer["ProducerId"], 0, 0)))
    for kind in (0, 1):  # the first search makes the topic that coordinators keep their state in
        peer.until(f"a coordinator of type {kind}", lambda kind=kind: peer.ask(
            "FindCoordinator", 3, {"Key": "with-offsets", "KeyType": kind})["ErrorCode"] != COORDINATOR_NOT_AVAILABLE)
    peer.commit("with-offsets", "plain", {0: 5, 1: 1})
    peer.join("with-member")
    peer.join("with-instance", "instance")
    peer.commit("with-member-2", "plain", {0: 5})
    peer.settle()
