"""A Kafka client of the standard library alone: three calls, in versions that have no tagged fields."""

import socket
import struct

from harness.checks import Failed

PRODUCE, FETCH, INIT_PRODUCER_ID, LIST_OFFSETS = (0, 8), (1, 4), (22, 1), (2, 1)
ANSWER_S = 60
FETCH_BYTES = 8 << 20


def text(value):
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


class Answer:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def string(self):
        size = self.take("h")
        return self.bytes_of(size).decode() if size >= 0 else ""

    def bytes_of(self, size):
        self.at += max(size, 0)
        return self.data[self.at - max(size, 0):self.at]


class KafkaConnection:
    """To one broker, which leads everything. OSError when it is not there or goes away."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0

    def close(self):
        self.socket.close()

    def call(self, api, body):
        self.number += 1
        head = struct.pack(">hhi", *api, self.number) + text("endurance")
        self.socket.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        answer = Answer(self._exactly(struct.unpack(">i", self._exactly(4))[0]))
        if answer.take("i") != self.number:
            raise Failed("an answer that belongs to another request")
        return answer

    def _exactly(self, size):
        data, at = bytearray(size), 0
        view = memoryview(data)
        while at < size:
            got = self.socket.recv_into(view[at:])
            if got == 0:
                raise ConnectionResetError("the broker has closed the connection")
            at += got
        return bytes(data)

    def producer_id(self):
        """(id, epoch) of a new idempotent producer."""
        answer = self.call(INIT_PRODUCER_ID, struct.pack(">hi", -1, 0))
        _, code, number, epoch = answer.take("ihqh")
        if code != 0:
            raise Failed(f"InitProducerId was answered with error {code}")
        return number, epoch

    def produce(self, topic, partition, batch):
        """acks=all. Returns (error code, base offset, what the broker said)."""
        body = b"".join((struct.pack(">hhii", -1, -1, 30_000, 1), text(topic), struct.pack(">iii", 1, partition, len(batch)), batch))
        answer = self.call(PRODUCE, body)
        answer.take("i")
        answer.string()
        answer.take("i")
        _, code, base, _, _, errors = answer.take("ihqqqi")
        said = ""
        for _ in range(errors):
            answer.take("i")
            said += answer.string() + " "
        return code, base, (said + answer.string()).strip()

    def fetch(self, topic, partition, offset):
        """Returns (error code, high watermark, bytes of batches); waits for nothing."""
        body = struct.pack(">iiiibi", -1, 0, 1, FETCH_BYTES, 0, 1) + text(topic) + struct.pack(">iiqi", 1, partition, offset, FETCH_BYTES)
        answer = self.call(FETCH, body)
        answer.take("ii")
        answer.string()
        answer.take("i")
        _, code, high, _, aborted = answer.take("ihqqi")
        answer.bytes_of(16 * max(aborted, 0))
        return code, high, answer.bytes_of(answer.take("i"))

    def earliest(self, topic, partition):
        body = struct.pack(">ii", -1, 1) + text(topic) + struct.pack(">iiq", 1, partition, -2)
        answer = self.call(LIST_OFFSETS, body)
        answer.take("i")
        answer.string()
        answer.take("i")
        _, code, _, offset = answer.take("ihqq")
        if code != 0:
            raise Failed(f"ListOffsets was answered with error {code}")
        return offset
