"""Tests of whole deployments: the command line, other languages' Cap'n Proto, Apache Kafka's own tools, kcat, damage, many partitions."""

import glob
import os
import re
import subprocess
import time
import venv

from harness.broker import broker_of
from harness.checks import check, output
from harness.compatibility import BROKER_FLAGS
from harness.connect_tests import ConnectTests
from harness.java_tests import JavaTests
from harness.kcat_scenario import KcatScenario
from harness.page import Tools
from harness.places import INTEROP, ROOT, SCRATCH
from harness.words import lines_by_key, words

DEPLOYMENTS = ["native", "rocksdb", "hybrid"]


class Deployments(JavaTests, ConnectTests):
    """Each test_ method takes a deployment and returns a remark, or None where it has nothing to test there."""

    def __init__(self, build):
        self.build = build
        self.tools = Tools()
        self.scratch = SCRATCH
        os.makedirs(self.scratch, exist_ok=True)

    # --- What the tests need ------------------------------------------------------------------------------------------------

    def python(self):
        folder = os.path.join(self.scratch, "venv")
        wanted = open(os.path.join(INTEROP, "requirements.txt")).read()
        stamp = os.path.join(folder, "installed.txt")
        if not os.path.exists(stamp) or open(stamp).read() != wanted:
            venv.create(folder, with_pip=True, clear=True)
            output(os.path.join(folder, "bin", "pip"), "install", "-q", "-r", os.path.join(INTEROP, "requirements.txt"), timeout=600)
            open(stamp, "w").write(wanted)
        return os.path.join(folder, "bin", "python")

    def cambium(self, broker, *arguments, **options):
        return output(os.path.join(self.build, "cambium"), f"--broker={broker.address}", *arguments, **options)

    # --- Tests --------------------------------------------------------------------------------------------------------------

    def test_words(self, deployment):
        """A real file in and out, over a clean stop and a kill, then checked on disk."""
        path = words()
        lines = open(path).read().splitlines()
        with broker_of(self.build, deployment) as (broker, data_dir):
            self.cambium(broker, "topic", "create", "words", "--partitions=3")
            self.cambium(broker, "produce", "words", path, "--key_separator=\t", "--compression=lz4")
            self.compare(broker, lines)
            took = broker.stop()
            check(took < 1, f"a clean stop took {took:.2f} s")
            broker.start()
            self.compare(broker, lines)
            broker.kill()
            broker.start()
            self.compare(broker, lines)
            broker.stop()
            verified = output(os.path.join(self.build, "cambium"), "inspect", data_dir, "--verify")
        return f"{len(lines)} lines, {os.path.getsize(path)} bytes; {verified.strip().splitlines()[-1]}"

    def compare(self, broker, lines):
        got = self.cambium(broker, "consume", "words", "--from=beginning", "--exit_at_end", "--output=key-value").splitlines()
        check(sorted(got) == sorted(lines), f"{len(got)} lines came back of {len(lines)}, or others")

        check(lines_by_key(got) == lines_by_key(lines), "the order of some key's lines changed")

    def test_pycapnp(self, deployment):
        with broker_of(self.build, deployment) as (broker, _):
            said = output(self.python(), os.path.join(INTEROP, "pycapnp_client.py"), broker.address, os.path.join(ROOT, "schema"))
            broker.stop()
        return said.strip()

    def test_client_example(self, deployment):
        """The installed C++ client library, used by a project of its own."""
        with broker_of(self.build, deployment) as (broker, _):
            said = output(os.path.join(INTEROP, "client_example.sh"), broker.address, self.build, timeout=900)
            broker.stop()
        return said.strip().splitlines()[-1]

    def test_kafka_dump(self, deployment):
        """Apache Kafka's own dump tool reads the segments and both kinds of index."""
        if deployment != "native":
            return None
        path = words()
        with broker_of(self.build, deployment) as (broker, data_dir):
            self.cambium(broker, "topic", "create", "words", "--partitions=1", "--config=segment.bytes=3000000")
            for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
                self.cambium(broker, "produce", "words", path, "--key_separator=\t", f"--compression={codec}")
            broker.stop()
            count = 5 * len(open(path).read().splitlines())
            files = sorted(glob.glob(os.path.join(data_dir, "native", "words-0", "*.*")))
            logs = [f for f in files if f.endswith(".log")]
            indexes = [f for f in files if f.endswith("index")]
            check(len(logs) > 2, "the test needs several segments")
            tool = ["java", "-cp", self.kafka_class_path(), "org.apache.kafka.tools.DumpLogSegments"]
            dumped = output(*tool, "--deep-iteration", "--files", ",".join(logs), timeout=600)
            records = sum(1 for line in dumped.splitlines() if line.startswith("| offset: "))
            check(records == count, f"DumpLogSegments saw {records} records of {count}")
            check("isvalid: false" not in dumped and "Non-consecutive" not in dumped, "DumpLogSegments complains of a batch")
            sane = output(*tool, "--index-sanity-check", "--files", ",".join(indexes), timeout=600)
            check(sane.count("passed sanity check") == len(indexes), f"index sanity check: {sane[-1000:]}")
            verified = output(*tool, "--verify-index-only", "--files", ",".join(indexes), timeout=600)
            check("Mismatches" not in verified and "Found timestamp mismatch" not in verified and "Index is" not in verified,
                  f"DumpLogSegments complains of an index: {verified[-1000:]}")
        return f"{len(logs)} segments, {records} records, {len(indexes)} indexes"

    def test_damage(self, deployment):
        """One byte flipped in the middle of a segment: named on disk, answered clearly, and nothing else suffers."""
        if deployment == "rocksdb":
            return None
        path = words()
        with broker_of(self.build, deployment) as (broker, data_dir):
            self.cambium(broker, "topic", "create", "words", "--partitions=3", "--config=storage.engine=native")
            self.cambium(broker, "produce", "words", path, "--key_separator=\t")
            broker.stop()
            log = os.path.join(data_dir, "native", "words-1", "0" * 20 + ".log")
            with open(log, "r+b") as file:
                file.seek(os.path.getsize(log) // 2)
                byte = file.read(1)[0]
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte ^ 0x10]))
            before = sorted((f, os.path.getsize(f)) for f in glob.glob(os.path.join(data_dir, "native", "*", "*")))
            inspected = subprocess.run([os.path.join(self.build, "cambium"), "inspect", data_dir, "--verify"],
                                       capture_output=True, text=True, timeout=60)
            said = inspected.stdout + inspected.stderr
            check(inspected.returncode == 1, f"inspect --verify ended with {inspected.returncode}: {said[-1000:]}")
            complaint = [line for line in said.splitlines() if log in line or "words-1/" in line]
            check(complaint and re.search(r"\d+", complaint[0]), f"inspect does not name the file: {said[-1000:]}")
            broker.start()
            for partition, damaged in [(0, False), (1, True), (2, False)]:
                done = subprocess.run([os.path.join(self.build, "cambium"), f"--broker={broker.address}", "consume", "words",
                                       f"--partition={partition}", "--from=beginning", "--exit_at_end"],
                                      capture_output=True, text=True, errors="replace", timeout=60)
                check((done.returncode != 0) == damaged, f"partition {partition}: {done.returncode} {done.stderr[-500:]}")
                check(not damaged or "words-1" in done.stderr, f"the error does not name the partition: {done.stderr[-500:]}")
            self.cambium(broker, "topic", "describe", "words")
            broker.stop()
            after = sorted((f, os.path.getsize(f)) for f in glob.glob(os.path.join(data_dir, "native", "*", "*")))
            names = {name for name, _ in after}
            check(all(name in names for name, _ in before), "a file was deleted")
        return complaint[0].strip().replace(data_dir, "")

    def test_timestamp(self, deployment):
        """--from=@TIME begins at the first record that is at least so late."""
        with broker_of(self.build, deployment) as (broker, _):
            self.cambium(broker, "topic", "create", "times", "--partitions=1", "--config=segment.ms=50")
            begun = int(time.time() * 1000)
            for i in range(30):
                self.cambium(broker, "produce", "times", input="".join(f"{i}-{j} {'x' * 100}\n" for j in range(100)))
            everything = self.cambium(broker, "consume", "times", "--from=beginning", "--exit_at_end", "--format=%o %T\\n")
            records = [tuple(map(int, line.split())) for line in everything.splitlines()]
            check(len(records) == 3000 and records[0][1] >= begun, "the records of the test")
            for wanted in [records[0][1], records[1000][1], records[1777][1], records[2999][1], records[1500][1] + 1]:
                first = next(offset for offset, timestamp in records if timestamp >= wanted)
                got = self.cambium(broker, "consume", "times", f"--from=@{wanted}", "--max_messages=1", "--exit_at_end",
                                   "--format=%o\\n")
                check(got.strip() == str(first), f"from {wanted}: offset {got.strip()}, not {first}")
            broker.stop()
        return "5 places"

    def test_many_partitions(self, deployment):
        """10,000 partitions: made, listed, each written and read once; ready again soon after a clean stop."""
        count = 10_000
        with broker_of(self.build, deployment) as (broker, data_dir):
            self.cambium(broker, "topic", "create", "many", f"--partitions={count}")
            described = self.cambium(broker, "topic", "describe", "many")
            check(f"\n{count - 1:>9} " in described or re.search(rf"\n\s+{count - 1}\s", described), "not all are listed")
            self.cambium(broker, "perf", "produce", "many", f"--records={20 * count}", "--record_bytes=20", "--partitioner=round_robin",
                         "--batch_bytes=200")
            read = self.cambium(broker, "consume", "many", "--from=beginning", "--exit_at_end", "--format=%p\\n")
            partitions = set(read.split())
            check(len(read.split()) == 20 * count and len(partitions) == count, f"{len(partitions)} partitions read")
            facts = dict(re.findall(r"^(cambium_process_(?:resident_memory_bytes|open_fds)) (\S+)$",
                                    output("curl", "-s", f"http://{broker.http}/metrics"), re.M))
            stop = broker.stop()
            begun = time.monotonic()
            broker.start()
            ready = time.monotonic() - begun
            check(ready < 2, f"ready after {ready:.2f} s")
            broker.stop()
        return (f"stop {stop:.2f} s, ready again after {ready:.2f} s, RSS {float(facts['cambium_process_resident_memory_bytes']) / 1e6:.0f}"
                f" MB, {facts['cambium_process_open_fds']} open files")

    def test_kcat(self, deployment):
        """kcat on a real file, and a group of two with one killed."""
        if deployment == "hybrid":
            return None
        with broker_of(self.build, deployment, BROKER_FLAGS) as (broker, _):
            said = KcatScenario(broker.kafka, os.path.join(self.scratch, "kcat", deployment)).run()
            broker.stop()
        return said

    def run(self, only):
        """Runs the tests whose name has the word in it; returns how many (passed, failed)."""
        passed = failed = 0
        for name in [n for n in dir(self) if n.startswith("test_") and only in n]:
            for deployment in DEPLOYMENTS:
                title = f"{name[len('test_'):]} on {deployment}"
                try:
                    said = getattr(self, name)(deployment)
                    if said is None:
                        continue
                    passed += 1
                    print(f"ok      {title}: {said}", flush=True)
                except Exception as e:
                    failed += 1
                    print(f"FAILED  {title}: {e}", flush=True)
        return passed, failed
