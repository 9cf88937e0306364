"""A device that becomes full: producers are told, everything else goes on, and all goes on by itself when there is room again."""

import os
import shutil
import subprocess
import time

from harness.checks import check
from kit.numbered import NumberedProducer, check_partition
from kit.setting import check_log, size
from kit.small_device import CannotMount, free_bytes, small_device, write_foreign
from kit.watch import metrics, wait_for

DEVICE_MIB, RESERVE_MIB = 64, 16
BALLAST = 12 << 20
FLAGS = [f"--disk_reserve_bytes={RESERVE_MIB << 20}", "--retention_check_interval_ms=300"]
WAIT_S = 60
SETTLED_S = 2
# What a refusal has to name, so that whoever reads it knows what to do.
ADVICE = ["free", "delete"]


def check_refusal(said, who):
    missing = [word for word in ADVICE if word not in said]
    check(not missing, f"{who} was refused without a word of {missing}: {said[-600:]}")


class DiskFull:
    def __init__(self, setting, device):
        self.setting, self.device = setting, device
        self.data = os.path.join(device, "data")
        os.makedirs(self.data)
        self.ballast = os.path.join(device, "ballast")
        self.foreign = os.path.join(device, "foreign")
        write_foreign(self.ballast, BALLAST)
        self.broker = setting.broker(*FLAGS, data_dir=self.data)
        self.figures = []
        setting.create(self.broker, "full", segment_bytes=1 << 20)
        setting.create(self.broker, "side", segment_bytes=1 << 20)
        self.cambium("produce", "side", input="".join(f"side {i} {'x' * 1000}\n" for i in range(3000)))
        self.producer = NumberedProducer(self.broker.kafka, "full", 0)
        self.producer.start()

    def cambium(self, *words, **options):
        return self.setting.cambium(self.broker, *words, **options)

    def is_stuck(self):
        """The producer is refused, and still is when engines have had time to write what they hold in memory: that may give back room."""
        if self.producer.failure:
            raise self.producer.failure
        before = self.producer.acknowledged, self.producer.refusals
        time.sleep(SETTLED_S)
        return self.producer.is_refused and self.producer.acknowledged == before[0] and self.producer.refusals > before[1]

    def wait_full(self):
        wait_for(self.is_stuck, WAIT_S, lambda: f"the device is not full: {size(free_bytes(self.device))} free")
        check(metrics(self.broker).get("cambium_disk_full") == 1, "/metrics does not say that the device is full")

    def refusals(self):
        """What producers of several kinds are told."""
        check_refusal(self.producer.said, "a Kafka client")
        done = subprocess.run([self.setting.program, f"--broker={self.broker.address}", "perf", "produce", "full", "--records=1000",
                               "--delivery_timeout_ms=2000"], capture_output=True, text=True, timeout=WAIT_S)
        check(done.returncode == 1, f"cambium perf produce ended with {done.returncode} on a full device")
        check_refusal(done.stderr, "cambium perf produce")
        done = subprocess.run([self.setting.program, f"--broker={self.broker.address}", "topic", "create", "another"],
                              capture_output=True, text=True, timeout=WAIT_S)
        check(done.returncode == 1, "a topic was made on a full device")
        check_refusal(done.stderr, "cambium topic create")
        if shutil.which("kcat"):
            done = subprocess.run(["kcat", "-b", self.broker.kafka, "-P", "-t", "full", "-X", "message.timeout.ms=2000"], input="kcat\n",
                                  capture_output=True, text=True, timeout=WAIT_S)
            check(done.returncode != 0 or "ailed" in done.stderr, f"kcat delivered to a full device: {done.stderr}")
            self.figures.append("kcat is told: " + done.stderr.strip().splitlines()[-1].removeprefix("% ")[:100])

    def others_go_on(self):
        """Reading, groups, listings, changes of configs, deletions."""
        found = check_partition(self.broker.kafka, self.producer)
        read = self.cambium("consume", "full", "--group=readers", "--exit_at_end", "--format=%o\\n").split()
        check(len(read) >= found, f"a group read {len(read)} of {found} records")
        check(self.setting.partitions(self.broker, "full")[0]["end"] >= found, "topic describe")
        check("readers" in self.cambium("group", "list") and "full" in self.cambium("topic", "list"), "the listings")
        committed = self.cambium("group", "describe", "readers")
        check(str(int(read[-1]) + 1) in committed, f"the group's commit is missing: {committed}")
        self.cambium("topic", "alter", "side", "--config=retention.ms=3600000")
        check("3600000" in self.cambium("topic", "describe", "side"), "the changed config is not shown")
        self.cambium("records", "delete", "side", "--before=end", "--partition=0")
        check(self.setting.partitions(self.broker, "side")[0]["logStart"] == 3000, "records delete left records")
        return found

    def retention_frees(self):
        before, begun = self.producer.acknowledged, time.monotonic()
        self.cambium("topic", "alter", "full", f"--config=retention.bytes={8 << 20}")
        wait_for(lambda: self.producer.acknowledged > before, WAIT_S, "the producer did not go on")
        resumed = time.monotonic() - begun
        # More than the device holds: it goes on for good.
        enough = before + (2 * DEVICE_MIB << 20) // 1000
        wait_for(lambda: self.producer.acknowledged > enough, 2 * WAIT_S,
                 lambda: f"the producer went on and stopped again, after {self.producer.acknowledged - before} records")
        check(self.producer.broken_connections == 0, "the broker broke a connection")
        self.figures.append(f"retention.bytes, and the producer went on after {resumed:.2f} s, at {enough - before} records in "
                            f"{time.monotonic() - begun:.1f} s")
        self.cambium("topic", "alter", "full", "--config=retention.bytes=-1")

    def start_on_full_device(self):
        self.broker.kill()
        foreign = write_foreign(self.foreign)
        begun = time.monotonic()
        self.broker.start()
        ready = time.monotonic() - begun
        wait_for(self.is_stuck, WAIT_S, "the producer is not refused after the start")
        found = check_partition(self.broker.kafka, self.producer)
        brim = free_bytes(self.device)
        self.cambium("topic", "list")
        os.remove(self.foreign)
        os.remove(self.ballast)
        before, begun = self.producer.acknowledged, time.monotonic()
        wait_for(lambda: self.producer.acknowledged > before, WAIT_S, lambda: f"nothing is appended, {size(free_bytes(self.device))} free")
        self.figures.append(f"kill -9, {size(foreign)} of somebody else's, started in {ready:.2f} s with {size(brim)} free, {found} records "
                            f"read, appends {time.monotonic() - begun:.2f} s after there was room")

    def run(self):
        begun = time.monotonic()
        self.wait_full()
        self.figures.append(f"full after {self.producer.acknowledged} records, {size(free_bytes(self.device))} free")
        self.refusals()
        self.others_go_on()
        # What was deleted there is room for a moment.
        self.wait_full()
        self.retention_frees()
        self.wait_full()
        self.start_on_full_device()
        self.wait_full()
        self.producer.stop()
        found = check_partition(self.broker.kafka, self.producer)
        check_log(self.broker)
        self.broker.stop()
        self.figures.append(f"{found} of {self.producer.acknowledged} acknowledged left by retention, all in order in {time.monotonic() - begun:.0f} s")
        self.figures.append(self.setting.verify(self.data))
        return "; ".join(self.figures)


def disk_full(setting):
    try:
        with small_device(setting.path("device"), DEVICE_MIB) as device:
            check_run = DiskFull(setting, device)
            try:
                return check_run.run()
            finally:
                check_run.producer.halt.set()
                check_run.producer.join(5)
                if check_run.broker.process.poll() is None:
                    check_run.broker.kill()
    except CannotMount as reason:
        return f"skipped: {reason}"
