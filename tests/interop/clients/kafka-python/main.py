"""The interop client on kafka-python."""

import sys
import time

from admin import admin, create
from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata
from pyclient import (CALL_TIMEOUT_S, COMMIT_INTERVAL_S, HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, Stop, reason, records_of, run, show,
                      tell)


def produce(bootstrap, topic, codec, path):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True,
                             compression_type=None if codec == "none" else codec)
    sent = [producer.send(topic, key=key, value=value, headers=headers) for key, value, headers in records_of(path)]
    producer.flush(CALL_TIMEOUT_S)
    for future in sent:
        future.get(CALL_TIMEOUT_S)
    producer.close()
    print("acked", len(sent))


class Member(AsyncConsumerRebalanceListener):
    """A consumer, and what it has printed and not committed. The listener is called in the client's loop, where a call that waits is
    refused: hence asynchronous."""

    def __init__(self, bootstrap, topic, group):
        self.consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                                      session_timeout_ms=SESSION_TIMEOUT_MS, heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
                                      enable_auto_commit=False, max_poll_records=500)
        self.printed = {}
        self.last_commit = time.monotonic()
        self.consumer.subscribe([topic], listener=self)

    async def on_partitions_assigned(self, assigned):
        tell("assigned", [p.partition for p in assigned])

    async def on_partitions_revoked(self, revoked):
        printed = self.take_printed()
        if printed:
            try:
                await self.consumer.commit_async(printed)
            except Exception as error:  # a member that was thrown out meanwhile goes on without
                print("commit:", reason(error), file=sys.stderr, flush=True)
        tell("revoked", [p.partition for p in revoked])

    async def on_partitions_lost(self, lost):
        self.printed.clear()
        tell("revoked", [p.partition for p in lost])

    def take_printed(self):
        """What is to be committed; from then on it counts as committed."""
        printed = {p: OffsetAndMetadata(offset, "", -1) for p, offset in self.printed.items()}
        self.printed.clear()
        self.last_commit = time.monotonic()
        return printed

    def commit(self):
        printed = self.take_printed()
        if not printed:
            return
        try:
            self.consumer.commit(printed)
        except Exception as error:  # a member that was thrown out meanwhile goes on without
            print("commit:", reason(error), file=sys.stderr, flush=True)

    def take(self, records_max):
        """Prints up to so many records that come within a moment; returns how many."""
        count = 0
        for partition, records in self.consumer.poll(timeout_ms=100, max_records=records_max).items():
            for record in records:
                show(partition.partition, record.offset, record.key, record.value, record.headers)
            self.printed[partition] = records[-1].offset + 1
            count += len(records)
        sys.stdout.flush()
        if time.monotonic() - self.last_commit > COMMIT_INTERVAL_S:
            self.commit()
        return count


def consume(bootstrap, topic, group, count):
    stop, left = Stop(), int(count)
    is_endless = left == 0
    member = Member(bootstrap, topic, group)
    while not stop and (is_endless or left > 0):
        left -= member.take(500 if is_endless else min(500, left))
    member.commit()
    member.consumer.close()


if __name__ == "__main__":
    run({"create": create, "produce": produce, "consume": consume, "admin": admin})
