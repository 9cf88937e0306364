"""Kafka's tools of one version, called in one virtual machine (ToolRunner.java)."""

import glob
import os
import select
import shutil
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
VERSIONS = ["4.3.1", "3.9.2"]
# Small, and the quick compiler alone: the tools are short. Their own log goes nowhere, as it would stand between what they print.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx384m", "-Dlog4j2.level=OFF"]


class ToolFailed(Exception):
    pass


def checked(*command, timeout=900):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout)
    if done.returncode != 0:
        raise ToolFailed(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")


def class_path(version):
    """Fetches the jars and compiles the runner where that was not done yet."""
    if version not in VERSIONS:
        raise ToolFailed(f"version {version}; expected one of {', '.join(VERSIONS)}")
    folder = os.path.join(ROOT, "build", "interop", f"kafka-tools-{version}")
    source = os.path.join(HERE, "ToolRunner.java")
    compiled = os.path.join(folder, "classes", "ToolRunner.class")
    if not os.path.exists(os.path.join(folder, "complete")):
        shutil.rmtree(folder, ignore_errors=True)
        # Of two loggers one has to go; reload4j comes with the tools of 3.9.2.
        checked("mvn", "-q", "-B", "-f", os.path.join(HERE, "pom.xml"), f"-Dkafka.version={version}", "dependency:copy-dependencies",
                f"-DoutputDirectory={folder}", "-DexcludeArtifactIds=slf4j-reload4j,reload4j")
        open(os.path.join(folder, "complete"), "w").close()
    if not os.path.exists(compiled) or os.path.getmtime(compiled) < os.path.getmtime(source):
        jars = glob.glob(os.path.join(folder, "kafka-clients-*.jar"))
        checked("javac", "-Xlint:all", "-Werror", "-cp", jars[0], "-d", os.path.join(folder, "classes"), source)
    return os.path.join(folder, "classes") + ":" + os.path.join(folder, "*")


class ToolRunner:
    """call() runs a tool to its end; start() starts one as a process of its own, which the caller ends."""

    def __init__(self, version):
        self.class_path = class_path(version)
        self.folder = tempfile.mkdtemp(prefix="cambium-tools-")
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def start(self, main_class, arguments):
        return subprocess.Popen([*JAVA, "-cp", self.class_path, main_class, *arguments], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)

    def call(self, main_class, arguments, stdin=None, timeout=60):
        """Returns exit code, stdout and stderr."""
        if self.process is None:
            self.process = subprocess.Popen([*JAVA, "-cp", self.class_path, "ToolRunner"], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
        path = "" if stdin is None else self.file("stdin", stdin)
        end = time.monotonic() + timeout
        try:
            self.process.stdin.write(("\t".join([main_class, path, *arguments]) + "\n").encode())
            self.process.stdin.flush()
            heading = b""
            while not heading.endswith(b"\n"):
                heading += self._read(1, end)
            code, out, err = map(int, heading.split())
            return code, self._read(out, end).decode(errors="replace"), self._read(err, end).decode(errors="replace")
        except (ToolFailed, BrokenPipeError):
            self.process.kill()
            self.process.wait()
            self.process = None
            raise

    def _read(self, count, end):
        data = b""
        while len(data) < count:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise ToolFailed("no end in time")
            part = os.read(self.process.stdout.fileno(), count - len(data))
            if not part:
                raise ToolFailed("its virtual machine ended")
            data += part
        return data
