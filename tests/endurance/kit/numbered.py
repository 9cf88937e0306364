"""The oracle: producers that number their records and write down what they were told, and a reader that holds a partition against it."""

import bisect
import random
import threading
import time

from harness.checks import Failed, check
from kit.batch import batch_of, records_of
from kit.wire import KafkaConnection

STORAGE_ERROR = 56
# Every other code would be a mistake of somebody's.
WORTH_ANOTHER_TRY = {STORAGE_ERROR: "storage error", 3: "unknown topic", 5: "no leader", 6: "not the leader", 7: "timed out"}
PAUSE_S = 0.05
STOP_S = 90
RECORD_BYTES = 1000
RECORDS_OF_BATCH = 250


def number_of(value):
    """The number of a record of ours; None where somebody else made it."""
    return int(value[1:13]) if value[:1] == b"#" and value[13:14] == b" " and value[1:13].isdigit() else None


class NumberedProducer(threading.Thread):
    """One idempotent producer on one partition. Sends batches one after the other, each until it is acknowledged, over whatever
    happens to the broker. key_of(number), where given, makes keys. records: how many, or None for as many as go until stop()."""

    def __init__(self, address, topic, partition, key_of=None, record_bytes=RECORD_BYTES, records=None):
        super().__init__(daemon=True)
        self.address, self.topic, self.partition = address, topic, partition
        self.per_second, self.key_of, self.wanted = None, key_of, records
        pad = random.Random(partition).randbytes(record_bytes - 14).replace(b"\n", b"n").replace(b"\0", b"0")
        self.tail = b" " + pad
        # What was acknowledged, in order: first numbers, and the offset of each batch.
        self.firsts, self.bases, self.acknowledged = [], [], 0
        self.refusals, self.said, self.broken_connections = 0, "", 0
        self.is_refused = False
        self.halt, self.failure = threading.Event(), None
        self.connection = None

    def run(self):
        try:
            identity = self._until_done(lambda: self.connection.producer_id())
            while identity and not self.halt.is_set() and self.acknowledged != self.wanted:
                self._send_batch(*identity)
                if self.per_second:
                    self.halt.wait(RECORDS_OF_BATCH / self.per_second)
        except Exception as failure:  # told by stop()
            self.failure = failure
        finally:
            if self.connection:
                self.connection.close()

    def _send_batch(self, identity, epoch):
        first = self.acknowledged
        count = min(RECORDS_OF_BATCH, self.wanted - first) if self.wanted else RECORDS_OF_BATCH
        tail, key_of = self.tail, self.key_of
        records = [(key_of and key_of(number), b"#%012d" % number + tail) for number in range(first, first + count)]
        batch = batch_of(records, identity, epoch, first & 0x7FFFFFFF)
        base = self._until_done(lambda: self._attempt(batch))
        if base is not None:
            self.firsts.append(first)
            self.bases.append(base)
            self.acknowledged = first + count

    def _attempt(self, batch):
        code, base, said = self.connection.produce(self.topic, self.partition, batch)
        self.is_refused = code == STORAGE_ERROR
        if code == 0:
            return base
        if code not in WORTH_ANOTHER_TRY:
            raise Failed(f"{self.topic}-{self.partition} refused number {self.acknowledged} with error {code} {said}")
        self.refusals += 1
        self.said = said or WORTH_ANOTHER_TRY[code]
        return None

    def _until_done(self, attempt):
        """What the attempt gives; None where halt came first."""
        while not self.halt.is_set():
            try:
                self.connection = self.connection or KafkaConnection(self.address)
                done = attempt()
                if done is not None:
                    return done
            except OSError:
                self.broken_connections += 1
                if self.connection:
                    self.connection.close()
                self.connection = None
            self.halt.wait(PAUSE_S)
        return None

    def steady(self, per_second):
        """From now on about so many records per second."""
        self.per_second = per_second

    def stop(self):
        """Ends it; raises what it failed by."""
        self.halt.set()
        self.finish()

    def finish(self, seconds=STOP_S):
        """Waits until it has sent all that was wanted."""
        self.join(seconds)
        check(not self.is_alive(), f"a producer of {self.topic}-{self.partition} did not end")
        if self.failure:
            raise self.failure

    def offset_of(self, number):
        """What the broker said of an acknowledged number."""
        at = bisect.bisect_right(self.firsts, number) - 1
        return self.bases[at] + number - self.firsts[at]


def read_all(address, topic, partition, first=None):
    """Yields (offset, key, value) of everything below the high watermark, from the beginning on."""
    connection = KafkaConnection(address)
    try:
        at = connection.earliest(topic, partition) if first is None else first
        while True:
            code, high, data = connection.fetch(topic, partition, at)
            check(code == 0, f"{topic}-{partition}: reading at {at} was answered with error {code}")
            if at >= high:
                return
            begun = at
            for offset, key, value in records_of(data):
                if value is None:
                    at = max(at, offset)
                elif offset >= begun:
                    yield offset, key, value
            check(at > begun, f"{topic}-{partition}: nothing came at {begun}, below the high watermark {high}")
    finally:
        connection.close()


def check_partition(address, producer):
    """Every acknowledged number that retention left is there once, at the offset that was told. Returns how many there are."""
    topic, partition = producer.topic, producer.partition
    told = producer.acknowledged
    connection = KafkaConnection(address)
    start = connection.earliest(topic, partition)
    connection.close()
    expected, found, last = None, 0, start - 1
    for offset, _, value in read_all(address, topic, partition, start):
        check(offset == last + 1, f"{topic}-{partition}: offset {offset} follows {last}")
        last, number = offset, number_of(value)
        if number is None:
            continue
        check(expected is None or number == expected, f"{topic}-{partition}: number {number} at {offset}, expected {expected}")
        check(number >= told or producer.offset_of(number) == offset,
              f"{topic}-{partition}: number {number} at {offset}, the producer was told another offset")
        if expected is None and start == 0:
            check(number == 0, f"{topic}-{partition}: the first number is {number}")
        expected, found = number + 1, found + 1
    check(told == 0 or expected is not None and expected >= told,
          f"{topic}-{partition}: numbers up to {told - 1} were acknowledged, {expected} is missing")
    return found
