#!/usr/bin/env python3
"""Show: Kafka's VerifiableProducer and VerifiableConsumer, while the broker is stopped (SIGTERM) and started, then killed (kill -9) and
started. All that was acknowledged is consumed; how many values stand in the log twice is told, and with --once none may.

    tests/interop/shows/restarts.py --broker='COMMAND' [--records=100000] [--version=4.3.1] [--once]

COMMAND starts the broker: {port} is where to listen, {folder} where its data may be.

The producer is idempotent, with five requests on their way. Apache Kafka itself does not pass with --once: of each producer it keeps only
the last batch over a restart, takes the older of those that are sent again for out of order, and the client then sends all of them anew.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time

from broker_command import BrokerCommand

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kafka_tools"))
from runner import ToolRunner  # noqa: E402

TOPIC = "restarts"
RECORDS_PER_SECOND = 15_000
SHOW_SECONDS_MAX = 240
# VerifiableProducer does not retry by itself, and waits long before it connects again.
PRODUCER = "retries=2147483647\nenable.idempotence=true\nreconnect.backoff.max.ms=200\ndelivery.timeout.ms=180000\n"
CONSUMER = "reconnect.backoff.max.ms=200\n"


class Events:
    """The events that a tool prints, gathered by a thread; those that carry a record are kept as (partition, offset, value)."""

    def __init__(self, process):
        self.process = process
        self.records = []
        self.others = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                self.others.append(line.decode(errors="replace").strip())
                continue
            if event.get("name") in ("producer_send_success", "record_data"):
                self.records.append((event["partition"], event["offset"], event["value"]))
            elif event.get("name") not in ("records_consumed", "offsets_committed"):
                self.others.append(event)

    def await_records(self, count, end):
        while len(self.records) < count and self.thread.is_alive() and time.monotonic() < end:
            time.sleep(0.02)

    def end(self):
        """Asks the tool to end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()
        self.thread.join(timeout=10)


def difference(acked, consumed, records, once):
    """What is wrong, or None. acked, consumed: (partition, offset, value) as the tools told them."""
    if len(acked) < records:
        return f"{len(acked)} acknowledged of {records}"
    places = {}
    for partition, offset, value in consumed:
        if places.setdefault((partition, offset), value) != value:
            return f"partition {partition} has two records at offset {offset}"
    lost = [place for place in acked if places.get(place[:2]) != place[2]]
    if lost:
        return f"{len(lost)} acknowledged records were not consumed, the first of them {sorted(lost)[0]}"
    if once and doubled(consumed):
        return f"{len(doubled(consumed))} values stand in the log twice: {doubled(consumed)[:5]}"
    return None


def doubled(consumed):
    """Values at more than one place."""
    values = sorted(value for _, _, value in set(consumed))
    return sorted({value for value, other in zip(values, values[1:]) if value == other}, key=int)


def break_broker(broker, produced, records, end):
    """Two ends of the broker, in the middle of the producer's work; returns what they were."""
    said = []
    for share, name, way in [(0.3, "SIGTERM", broker.stop), (0.65, "kill -9", broker.kill)]:
        produced.await_records(int(records * share), end)
        way()
        said.append(f"{name} after {len(produced.records)}")
        broker.start()
    return ", ".join(said)


def show(command, records, version, once):
    end = time.monotonic() + SHOW_SECONDS_MAX
    with ToolRunner(version) as runner, BrokerCommand(command) as broker:
        to_broker = ["--bootstrap-server", broker.address]
        made = runner.call("org.apache.kafka.tools.TopicCommand", [*to_broker, "--create", "--topic", TOPIC, "--partitions", "3"])
        if made[0] != 0:
            raise RuntimeError(f"no topic: {made}")
        consumer = Events(runner.start("org.apache.kafka.tools.VerifiableConsumer", [
            *to_broker, "--topic", TOPIC, "--group-id", TOPIC, "--verbose", "--session-timeout", "6000", "--consumer.config",
            runner.file("consumer.properties", CONSUMER)]))
        producer = Events(runner.start("org.apache.kafka.tools.VerifiableProducer", [
            *to_broker, "--topic", TOPIC, "--max-messages", str(records), "--throughput", str(RECORDS_PER_SECOND),
            "--producer.config", runner.file("producer.properties", PRODUCER)]))
        try:
            said = break_broker(broker, producer, records, end)
            producer.await_records(records, end)
            consumer.await_records(len(producer.records), end)
            time.sleep(1)  # What should not come might.
        finally:
            producer.end()
            consumer.end()
    wrong = difference(producer.records, consumer.records, records, once)
    said = (f"{len(producer.records)} acknowledged, {len(consumer.records)} consumed, {len(doubled(consumer.records))} twice in the log; "
            f"{said}")
    heard = f"{producer.others[-3:]} {consumer.others[-5:]}"
    print(f"failed restarts: {wrong}; {said}; {heard}" if wrong else f"ok restarts: {said}")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--version", default="4.3.1")
    parser.add_argument("--once", action="store_true")
    arguments = parser.parse_args()
    sys.exit(show(arguments.broker, arguments.records, arguments.version, arguments.once))
