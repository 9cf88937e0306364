"""The interop client on confluent-kafka."""

import sys

from admin import admin, create
from confluent_kafka import Consumer, KafkaException, Producer
from pyclient import COMMIT_INTERVAL_S, HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS, Stop, records_of, run, show, tell


def produce(bootstrap, topic, codec, path):
    acked, failures = 0, []

    def on_delivery(error, _):
        nonlocal acked
        if error is None:
            acked += 1
        else:
            failures.append(error)

    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "compression.type": codec,
                         "delivery.timeout.ms": 30000})
    count = 0
    for key, value, headers in records_of(path):
        producer.produce(topic, key=key, value=value, headers=headers, on_delivery=on_delivery)
        producer.poll(0)
        count += 1
    producer.flush(30)
    if failures or acked != count:
        raise RuntimeError(f"{acked} of {count} acked; {failures[:1]}")
    print("acked", acked)


def commit(consumer):
    """What was printed has been stored; None of that may be left."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].name() != "_NO_OFFSET":
            print("commit:", error, file=sys.stderr)


def consume(bootstrap, topic, group, count):
    stop, count = Stop(), int(count)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "session.timeout.ms": SESSION_TIMEOUT_MS,
                         "heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS, "auto.offset.reset": "earliest",
                         "partition.assignment.strategy": "cooperative-sticky", "enable.auto.offset.store": False,
                         "auto.commit.interval.ms": int(COMMIT_INTERVAL_S * 1000)})

    def on_assign(_, partitions):
        tell("assigned", [p.partition for p in partitions])

    def on_revoke(_, partitions):
        commit(consumer)
        tell("revoked", [p.partition for p in partitions])

    def on_lost(_, partitions):
        tell("revoked", [p.partition for p in partitions])

    consumer.subscribe([topic], on_assign=on_assign, on_revoke=on_revoke, on_lost=on_lost)
    printed = 0
    while not stop and (count == 0 or printed < count):
        wanted = 500 if count == 0 else min(500, count - printed)
        for message in consumer.consume(wanted, timeout=0.1):
            if message.error():
                raise KafkaException(message.error())
            show(message.partition(), message.offset(), message.key(), message.value(), message.headers())
            consumer.store_offsets(message)
            printed += 1
        sys.stdout.flush()
    commit(consumer)
    consumer.close()


if __name__ == "__main__":
    run({"create": create, "produce": produce, "consume": consume, "admin": admin})
