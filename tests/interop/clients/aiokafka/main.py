"""The interop client on aiokafka."""

import asyncio
import sys
import time

from admin import admin, create
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from pyclient import (CALL_TIMEOUT_S, COMMIT_INTERVAL_S, HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, Stop, reason, records_of, run, show,
                      tell)


async def produce(bootstrap, topic, codec, path):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True,
                                compression_type=None if codec == "none" else codec)
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=key, headers=headers) for key, value, headers in records_of(path)]
        await asyncio.wait_for(asyncio.gather(*sent), CALL_TIMEOUT_S)
    finally:
        await producer.stop()
    print("acked", len(sent))


class Member(ConsumerRebalanceListener):
    """A consumer, what it has printed, and what of that is committed."""

    def __init__(self, bootstrap, topic, group):
        self.consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                                         session_timeout_ms=SESSION_TIMEOUT_MS, heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
                                         enable_auto_commit=False)
        self.printed = {}
        self.last_commit = time.monotonic()
        self.consumer.subscribe([topic], listener=self)

    async def on_partitions_assigned(self, assigned):
        tell("assigned", [p.partition for p in assigned])

    async def on_partitions_revoked(self, revoked):
        await self.commit()
        tell("revoked", [p.partition for p in revoked])

    async def commit(self):
        self.last_commit = time.monotonic()
        printed, self.printed = self.printed, {}
        if not printed:
            return
        try:
            await self.consumer.commit(printed)
        except Exception as error:  # a member that was thrown out meanwhile goes on without
            print("commit:", reason(error), file=sys.stderr, flush=True)

    async def take(self, records_max):
        """Prints up to so many records that come within a moment; returns how many."""
        count = 0
        fetched = await self.consumer.getmany(timeout_ms=100, max_records=records_max)
        assigned = self.consumer.assignment()
        for partition, records in fetched.items():
            if partition not in assigned:
                continue
            for record in records:
                show(partition.partition, record.offset, record.key, record.value, record.headers)
            self.printed[partition] = records[-1].offset + 1
            count += len(records)
        sys.stdout.flush()
        if time.monotonic() - self.last_commit > COMMIT_INTERVAL_S:
            await self.commit()
        return count


async def consume(bootstrap, topic, group, count):
    stop, left = Stop(), int(count)
    is_endless = left == 0
    member = Member(bootstrap, topic, group)
    await member.consumer.start()
    try:
        while not stop and (is_endless or left > 0):
            left -= await member.take(500 if is_endless else min(500, left))
        await member.commit()
    finally:
        await member.consumer.stop()


if __name__ == "__main__":
    run({name: lambda *arguments, command=command: asyncio.run(command(*arguments))
         for name, command in [("create", create), ("produce", produce), ("consume", consume), ("admin", admin)]})
