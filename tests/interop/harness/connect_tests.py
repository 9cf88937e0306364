"""Tests with Kafka Connect: a worker of its own that copies a file through a topic, and MirrorMaker 2 between two brokers."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from harness.broker import broker_of
from harness.checks import Failed, check, output
from harness.compatibility import BROKER_FLAGS
from harness.kafka_broker import free_ports
from harness.places import INTEROP, SCRATCH

LINES = 500
PATIENCE_S = 120
STOP_S = 30
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx512m"]
STRINGS = "org.apache.kafka.connect.storage.StringConverter"


def connect_jars():
    """The folder of the jars, fetched where that was not done yet."""
    folder = os.path.join(SCRATCH, "connect")
    complete = os.path.join(folder, "complete")
    if not os.path.exists(complete):
        shutil.rmtree(folder, ignore_errors=True)
        output("mvn", "-q", "-B", "-f", os.path.join(INTEROP, "connect", "pom.xml"), "dependency:copy-dependencies",
               f"-DoutputDirectory={folder}", timeout=900)
        open(complete, "w").close()
    return folder


def properties(path, **values):
    """Writes a file of settings; two underscores in a name stand for a dot."""
    with open(path, "w") as out:
        out.writelines(f"{name.replace('__', '.')}={value}\n" for name, value in values.items())
    return path


@contextlib.contextmanager
def worker(folder, main_class, *files):
    """Runs while the caller does; yields what says how it is with it."""
    log = os.path.join(folder, "worker.log")
    with open(log, "wb") as out:
        process = subprocess.Popen([*JAVA, "-cp", os.path.join(connect_jars(), "*"), main_class, *files], cwd=folder,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def said():
        check(process.poll() is None, f"{main_class} ended with {process.poll()}: {open(log, errors='replace').read()[-1500:]}")
        return open(log, errors="replace").read()[-1500:]

    try:
        yield said
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(what, said, attempt):
    """The first thing that attempt() returns and that is not None."""
    end = time.monotonic() + PATIENCE_S
    while (found := attempt()) is None:
        told = said()
        if time.monotonic() > end:
            raise Failed(f"{what} did not come about within {PATIENCE_S} s: {told}")
        time.sleep(0.2)
    return found


class ConnectTests:
    """Part of Deployments: uses its build and its cambium()."""

    def test_connect_standalone(self, deployment):
        """A line that is written to a file goes through a topic into another one, and what comes later follows."""
        if deployment == "hybrid":
            return None
        folder = tempfile.mkdtemp(prefix="cambium-connect-")
        try:
            with broker_of(self.build, deployment, BROKER_FLAGS) as (broker, _):
                said = self.tried("Kafka Connect 4.3.1, a worker of its own", deployment, lambda: self.copy_file(broker, folder))
                broker.stop()
            return said
        finally:
            shutil.rmtree(folder)

    def tried(self, tool, deployment, trial):
        """The trial's remark; notes for the page how the tool did."""
        try:
            said = trial()
        except Exception as error:
            self.tools.put(tool, deployment, "**failed**: " + " ".join(str(error).split())[:200].replace("|", "/"))
            raise
        self.tools.put(tool, deployment, "ok")
        return said

    def copy_file(self, broker, folder):
        source, sink = os.path.join(folder, "source.txt"), os.path.join(folder, "sink.txt")
        lines = [f"line {number} of a file" for number in range(LINES)]
        with open(source, "w") as out:
            out.writelines(line + "\n" for line in lines[:LINES // 2])
        self.cambium(broker, "topic", "create", "lines", "--partitions=1")
        settings = properties(os.path.join(folder, "worker.properties"), bootstrap__servers=broker.kafka, key__converter=STRINGS,
                              value__converter=STRINGS, offset__storage__file__filename=os.path.join(folder, "offsets"),
                              offset__flush__interval__ms=1000, listeners=f"http://127.0.0.1:{free_ports(1)[0]}")
        reads = properties(os.path.join(folder, "source.properties"), name="source", tasks__max=1, file=source, topic="lines",
                           connector__class="org.apache.kafka.connect.file.FileStreamSourceConnector")
        writes = properties(os.path.join(folder, "sink.properties"), name="sink", tasks__max=1, file=sink, topics="lines",
                            connector__class="org.apache.kafka.connect.file.FileStreamSinkConnector")

        def has(count):
            found = open(sink).read().splitlines() if os.path.exists(sink) else []
            check(found == lines[:len(found)], "the lines came in another order, or others")
            return len(found) if len(found) == count else None

        with worker(folder, "org.apache.kafka.connect.cli.ConnectStandalone", settings, reads, writes) as said:
            until("the first half", said, lambda: has(LINES // 2))
            with open(source, "a") as out:
                out.writelines(line + "\n" for line in lines[LINES // 2:])
            until("the second half", said, lambda: has(LINES))
        got = self.cambium(broker, "consume", "lines", "--from=beginning", "--exit_at_end").splitlines()
        check(got == lines, f"{len(got)} records in the topic")
        return f"{LINES} lines through a topic"

    def test_mirror_maker(self, deployment):
        """MirrorMaker 2 copies a topic of a native broker to one on RocksDB, with its configs."""
        if deployment != "native":
            return None
        folder = tempfile.mkdtemp(prefix="cambium-mirror-")
        try:
            with broker_of(self.build, "native", BROKER_FLAGS) as (source, _), broker_of(self.build, "rocksdb", BROKER_FLAGS) as (target, _):
                said = self.tried("MirrorMaker 2 (4.3.1)", deployment, lambda: self.mirror(source, target, folder))
                self.tools.put("MirrorMaker 2 (4.3.1)", "rocksdb", "ok")
                target.stop()
                source.stop()
            return said
        finally:
            shutil.rmtree(folder)

    def mirror(self, source, target, folder):
        lines = [f"record {number}" for number in range(LINES)]
        self.cambium(source, "topic", "create", "mirrored", "--partitions=2", "--config=max.message.bytes=700000")
        self.cambium(source, "produce", "mirrored", input="".join(line + "\n" for line in lines))
        of_topics = {f"{name}__replication__factor": 1 for name in ["offset-syncs__topic", "heartbeats__topic", "checkpoints__topic",
                                                                   "offset__storage", "config__storage", "status__storage"]}
        settings = properties(os.path.join(folder, "mirror.properties"), clusters="a, b", a__bootstrap__servers=source.kafka,
                              b__bootstrap__servers=target.kafka, replication__factor=1, refresh__topics__interval__seconds=1,
                              **{"a->b.enabled": "true", "a->b.topics": "mirrored", "b->a.enabled": "false"}, **of_topics)

        def arrived():
            listed = self.cambium(target, "topic", "list").split()
            if "a.mirrored" not in listed:
                return None
            got = self.cambium(target, "consume", "a.mirrored", "--from=beginning", "--exit_at_end").splitlines()
            return got if len(got) >= LINES else None

        with worker(folder, "org.apache.kafka.connect.mirror.MirrorMaker", settings) as said:
            got = until("a copy of all records", said, arrived)
            check(sorted(got) == sorted(lines), f"{len(got)} records, or others")
            until("the topic's configs", said, lambda: True if "700000" in self.cambium(
                target, "topic", "describe", "a.mirrored") else None)
        return f"{LINES} records from native to rocksdb"
