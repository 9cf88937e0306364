"""Compaction of millions of records: what is left is what a dictionary says, producers hardly notice, memory stays flat."""

import glob
import json
import os
import sys
import time

from harness.checks import check, output
from harness.places import INTEROP
from kit.numbered import NumberedProducer, number_of, read_all
from kit.setting import check_log, end_process, note, size
from kit.watch import MemorySamples, metrics

TOPIC = "compacted"
RECORD_BYTES = 200
SEGMENT_BYTES = 64 << 20
FLAGS = ["--cleaner_backoff_ms=200", "--retention_check_interval_ms=1000"]
# The probe: an open-loop producer, which counts latency from when a record was due.
PROBE_PER_S, PROBE_S, BEFORE_ROUNDS = 2000, 4, 3
SLOWER_MAX = 2.0
# Below, the scheduler of the machine decides, not the broker.
P99_FLOOR_MS = 2.0
GROWTH_MAX = 64 << 20
DONE_S = 900
DUMP_S = 1800
GOLDEN = 0x9E3779B97F4A7C15


def key_maker(keys):
    """Keys in an order that looks random and can be made again."""
    names = [b"key-%07d" % number for number in range(keys)]
    return lambda number: names[((number * GOLDEN) & 0xFFFFFFFFFFFFFFFF) % keys]


def middle(values):
    return sorted(values)[len(values) // 2]


class Compaction:
    def __init__(self, setting):
        self.setting = setting
        self.records, self.keys = setting.options.records, setting.options.keys
        self.key_of = key_maker(self.keys)
        self.broker = setting.broker(*FLAGS)
        # Nothing is compacted until the ratio is lowered. What the probe writes is compacted as well: it has keys.
        setting.create(self.broker, TOPIC, cleanup_policy="compact", segment_bytes=SEGMENT_BYTES, min_cleanable_dirty_ratio=1.0)
        self.figures, self.producer, self.prober = [], None, None

    def cambium(self, *words, **options):
        return self.setting.cambium(self.broker, *words, **options)

    def produce(self):
        begun = time.monotonic()
        self.producer = NumberedProducer(self.broker.kafka, TOPIC, 0, self.key_of, RECORD_BYTES, self.records)
        self.producer.start()
        self.producer.finish(3600)
        check(self.producer.acknowledged == self.records, f"{self.producer.acknowledged} records were acknowledged")
        self.figures.append(f"{self.records} records of {self.keys} keys in {time.monotonic() - begun:.0f} s")

    def start_probe(self):
        self.prober = self.setting.start_cambium(self.broker, "perf", "produce", TOPIC, f"--records={PROBE_PER_S * PROBE_S}",
                                                 f"--rate={PROBE_PER_S}", "--record_bytes=100", "--keys=1000", "--linger_ms=0", "--json")

    def probe(self):
        """Latencies in milliseconds of one round."""
        self.start_probe()
        out, said = self.prober.communicate(timeout=PROBE_S + 60)
        check(self.prober.returncode == 0, f"the probe ended with {self.prober.returncode}: {said[-500:]}")
        return json.loads(out)["latencyMs"]

    def state(self):
        return self.setting.partitions(self.broker, TOPIC)[0]

    def is_compacted(self):
        """All that is not in the active segment."""
        now = self.state()
        check(now["compactionFailure"] is None, f"compaction failed: {now['compactionFailure']}")
        return now["cleanedUpTo"] >= self.records and now["extents"] <= 3

    def compact(self, before):
        """Lowers the ratio and probes until all is compacted."""
        bytes_before = self.state()["bytes"]
        memory, begun = MemorySamples(self.broker.process.pid), time.monotonic()
        self.cambium("topic", "alter", TOPIC, "--config=min.cleanable.dirty.ratio=0.01")
        during, seconds = [], None
        while not seconds or not during:
            worked = metrics(self.broker)["cambium_compaction_bytes_total"]
            round_begun = time.monotonic()
            figures = self.probe()
            worked = metrics(self.broker)["cambium_compaction_bytes_total"] - worked
            if worked > (4 << 20) or not during:
                during.append(figures)
                note(f"{size(worked)} compacted meanwhile; p99 {figures['p99']:.2f} ms")
            if self.is_compacted():
                seconds = time.monotonic() - begun
            check(round_begun - begun < DONE_S, f"not compacted within {DONE_S} s: {self.state()}")
        samples = memory.stop()
        self.compare(before, during)
        quarter = max(1, len(samples) // 4)
        start, end = middle(samples[:quarter]), middle(samples[-quarter:])
        self.figures.append(f"compaction of {size(bytes_before)} to {size(self.state()['bytes'])} in {seconds:.0f} s; memory {size(start)} at "
                            f"first, {size(end)} at the end, {size(max(samples))} at most")
        check(max(samples) - samples[0] < GROWTH_MAX + (64 << 20), f"memory grew: {self.figures[-1]}")
        check(end - start < GROWTH_MAX, f"memory grows: {self.figures[-1]}")

    def compare(self, before, during):
        shown = {}
        for which in ["p50", "p99"]:
            shown[which] = middle([f[which] for f in before]), middle([f[which] for f in during])
        self.figures.append("produce latency " + ", ".join(f"{which} {was:.2f} -> {now:.2f} ms" for which, (was, now) in shown.items())
                            + f" ({len(during)} rounds of {PROBE_S} s)")
        for which, (was, now) in shown.items():
            check(now <= max(SLOWER_MAX * was, P99_FLOOR_MS), f"producers wait too long: {self.figures[-1]}")

    def check_model(self):
        """Of each key the newest record is there; what is there is where it was; nothing older than the cleaned end is there twice."""
        newest = {}
        for number in range(self.records):
            newest[self.key_of(number)] = number
        cleaned, seen, left = self.state()["cleanedUpTo"], {}, 0
        last = -1
        for offset, key, value in read_all(self.broker.kafka, TOPIC, 0):
            check(offset > last, f"offset {offset} follows {last}")
            last, number = offset, number_of(value)
            if number is None:
                continue
            left += 1
            check(self.key_of(number) == key, f"offset {offset}: key {key} has number {number} of another")
            check(self.producer.offset_of(number) == offset, f"number {number} is at offset {offset}, not where it was acknowledged")
            check(number > seen.get(key, -1), f"key {key}: number {number} follows {seen.get(key)}")
            check(key not in seen or offset >= cleaned, f"key {key} is at offset {offset} again, below the cleaned end {cleaned}")
            seen[key] = number
        check(seen == newest, f"{len(seen)} keys of {len(newest)}, or not their newest values")
        self.figures.append(f"{left} records left, the newest of each of {len(newest)} keys, at their offsets")

    def check_dump(self):
        """Kafka's own tool reads the compacted segments. Where Maven or Java is missing, says so."""
        files = sorted(glob.glob(self.setting.path("data", "native", TOPIC + "-0", "*.log")))
        sys.path.insert(0, os.path.join(INTEROP, "kafka_tools"))
        from runner import VERSIONS, ToolFailed, class_path
        try:
            path = class_path(VERSIONS[0])
        except (ToolFailed, OSError) as reason:
            self.figures.append(f"DumpLogSegments is not here ({str(reason)[:80]})")
            return
        dumped = output("java", "-Xmx1g", "-cp", path, "org.apache.kafka.tools.DumpLogSegments", "--deep-iteration", "--files",
                        ",".join(files), timeout=DUMP_S)
        check("isvalid: false" not in dumped and "Non-consecutive" not in dumped, "DumpLogSegments complains of a batch")
        self.figures.append(f"DumpLogSegments: {dumped.count('| offset: ')} records in {len(files)} segments")

    def run(self):
        self.produce()
        before = [self.probe() for _ in range(BEFORE_ROUNDS)]
        self.compact(before)
        self.check_model()
        check_log(self.broker)
        self.broker.stop()
        self.figures.append(self.setting.verify())
        if self.setting.engine == "native":
            self.check_dump()
        return "; ".join(self.figures)

    def close(self):
        if self.producer:
            self.producer.halt.set()
        end_process(self.prober)


def compaction(setting):
    work = Compaction(setting)
    try:
        return work.run()
    finally:
        work.close()
