"""A topic goes to the other engine and back under load, and the broker is killed in the middle of each way."""

import json
import os
import signal
import subprocess
import threading
import time

from harness.checks import check
from kit.numbered import RECORD_BYTES, NumberedProducer, check_partition
from kit.setting import check_log, end_process, note, size
from kit.watch import wait_for

PARTITIONS = 2
OTHER = {"native": "rocksdb", "rocksdb": "native"}
# So slow that a kill finds the middle: a fixed time for a partition, whatever its size.
COPY_S = 8
LOAD_PER_S = 2000
MOVE_S = 600
FILL_S = 900
KEPT_FILES_MAX = 1 << 20


class GroupReader(threading.Thread):
    """A consumer as a group of one: every offset of each partition in order. What comes again begins at most where the
    group had committed and goes on without a gap."""

    def __init__(self, setting, broker, topic):
        super().__init__(daemon=True)
        # kcat ends when its only broker does; this one waits for it.
        command = [setting.program, f"--broker={broker.address}", "consume", topic, "--group=readers", "--format=%p %o\\n"]
        self.errors = open(setting.path("reader.log"), "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.ends, self.last, self.again, self.problem = {}, {}, 0, None
        # What was committed before the last kill.
        self.floors = {}
        self.start()

    def run(self):
        for line in self.process.stdout:
            partition, offset = map(int, line.split())
            end, last = self.ends.get(partition, 0), self.last.get(partition, -1)
            if offset > end or offset != last + 1 and offset > last or offset < self.floors.get(partition, 0):
                self.problem = self.problem or (f"partition {partition}: offset {offset} came after {last}; up to {end} was seen, "
                                f"{self.floors.get(partition, 0)} committed")
            self.again += offset < end
            self.ends[partition] = max(end, offset + 1)
            self.last[partition] = offset

    def check_runs(self):
        if self.process.poll() is not None:
            self.errors.seek(0)
            check(False, f"the consumer ended with {self.process.returncode}: {self.errors.read()[-600:]}")
        check(self.problem is None, f"the consumer: {self.problem}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.join(20)
        self.process.stdout.close()
        self.errors.close()
        check(self.problem is None, f"the consumer: {self.problem}")


class Move:
    def __init__(self, setting):
        self.setting = setting
        self.bytes = setting.options.mib << 20
        pace = max(1 << 20, self.bytes // PARTITIONS // COPY_S)
        self.broker = setting.broker(f"--move_bytes_per_second={pace}")
        setting.create(self.broker, "moving", PARTITIONS, storage_engine=setting.engine, segment_bytes=64 << 20)
        self.producers, self.reader, self.figures = [], None, []

    def check_load(self):
        self.reader.check_runs()
        for producer in self.producers:
            check(producer.failure is None, f"a producer failed: {producer.failure}")

    def fill(self):
        """All producers at full speed, then at a steady rate."""
        each = self.bytes // PARTITIONS // RECORD_BYTES
        begun = time.monotonic()
        self.producers = [NumberedProducer(self.broker.kafka, "moving", partition) for partition in range(PARTITIONS)]
        for producer in self.producers:
            producer.start()
        self.reader = GroupReader(self.setting, self.broker, "moving")
        wait_for(lambda: self.check_load() or all(p.acknowledged >= each for p in self.producers), FILL_S, "the topic did not fill")
        for producer in self.producers:
            producer.steady(LOAD_PER_S)
        self.figures.append(f"{size(self.bytes)} in {time.monotonic() - begun:.0f} s")

    def phases(self):
        """(engine, phase or None, copied) of each partition."""
        moves = [(p["engine"], p["move"]) for p in self.setting.partitions(self.broker, "moving")]
        for _, move in moves:
            check(not move or move["phase"] != "failed", f"the move failed: {move}")
        return [(engine, move and move["phase"], move["copied"] if move else 0) for engine, move in moves]

    def committed(self):
        """{partition: offset} of the group."""
        rows = json.loads(self.setting.cambium(self.broker, "group", "describe", "readers", "--json"))["partitions"]
        return {row["partition"]: row["committed"] or 0 for row in rows}

    def is_half_way(self):
        """A partition is being copied, and a good part of it is done."""
        self.check_load()
        return any(phase == "copying" and copied > self.bytes // PARTITIONS // 3 for _, phase, copied in self.phases())

    def to(self, engine):
        begun = time.monotonic()
        waiting = self.setting.start_cambium(self.broker, "topic", "move", "moving", f"--engine={engine}", "--wait")
        try:
            wait_for(self.is_half_way, MOVE_S, lambda: f"no partition is half way: {self.phases()}")
            before, committed = self.phases(), self.committed()
            self.broker.kill()
            waiting.wait(60)
        finally:
            end_process(waiting)
        self.reader.floors = committed
        note(f"killed on the way to {engine}: {before}")
        self.broker.start()
        # What goes on by itself needs no second wish; asking again changes nothing.
        done = json.loads(self.setting.cambium(self.broker, "topic", "move", "moving", f"--engine={engine}", "--wait", "--json",
                                               timeout=MOVE_S))
        check(done["result"] == "moved", f"the move to {engine}: {done}")
        wait_for(lambda: all(phase is None for _, phase, _ in self.phases()), MOVE_S, lambda: f"not cleaned up: {self.phases()}")
        check(all(place == engine for place, _, _ in self.phases()), f"not all is in {engine}: {self.phases()}")
        self.check_load()
        killed = ", ".join(f"{phase or 'in ' + place}" for place, phase, _ in before)
        self.figures.append(f"to {engine} in {time.monotonic() - begun:.0f} s, killed while partitions were {killed}")

    def check_files(self, engine):
        """The other engine keeps nothing of it, while the broker runs."""
        data = self.setting.path("data")
        folders = [name for name in os.listdir(os.path.join(data, "native")) if name.startswith("moving-")] \
            if os.path.isdir(os.path.join(data, "native")) else []
        if engine == "native":
            check(len(folders) == PARTITIONS, f"folders of the native engine: {folders}")
        else:
            check(not folders, f"the native engine keeps {folders}")

    def run(self):
        here, there = self.setting.engine, OTHER[self.setting.engine]
        self.fill()
        for engine in (there, here):
            self.to(engine)
            self.check_files(engine)
        for producer in self.producers:
            producer.stop()
        ends = {p.partition: p.acknowledged for p in self.producers}
        wait_for(lambda: self.check_load() or all(self.reader.ends.get(p, 0) >= end for p, end in ends.items()), 120,
                 lambda: f"the consumer has seen {self.reader.ends} of {ends}")
        self.reader.stop()
        found = sum(check_partition(self.broker.kafka, producer) for producer in self.producers)
        check_log(self.broker)
        self.broker.stop()
        self.figures.append(f"{found} records each once at its offset, {sum(ends.values())} acknowledged; the consumer saw all in "
                            f"order, {self.reader.again} again")
        self.figures.append(self.setting.verify())
        self.check_store_is_empty(here)
        return "; ".join(self.figures)

    def check_store_is_empty(self, engine):
        """The store in RocksDB that a move has left gives its space back."""
        store = self.setting.path("data", "rocksdb")
        if engine == "native" and os.path.isdir(store):
            kept = sum(os.path.getsize(os.path.join(store, name)) for name in os.listdir(store) if name.endswith((".sst", ".log")))
            check(kept <= max(KEPT_FILES_MAX, self.bytes // 20), f"the store in RocksDB keeps {size(kept)}")
            self.figures.append(f"{size(kept)} left in RocksDB")

    def close(self):
        for producer in self.producers:
            producer.halt.set()
        if self.reader and self.reader.process.poll() is None:
            self.reader.process.kill()
            self.reader.process.wait()


def move(setting):
    work = Move(setting)
    try:
        return work.run()
    finally:
        work.close()
