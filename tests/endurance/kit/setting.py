"""Where a check runs: a deployment with its engine, a folder that goes away again, a broker that keeps its ports."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from harness.broker import Broker
from harness.checks import check, output

# deployment: the engine of its logs
DEPLOYMENTS = {"native": "native", "rocksdb": "rocksdb", "hybrid": "native"}
COMMAND_S = 900


class SteadyBroker(Broker):
    """A broker that comes back on the ports that it had, so that its clients find it again. Its log lies beside its folder's folder."""

    def __init__(self, build, deployment, data_dir, log, flags=()):
        self.steady_log = log
        super().__init__(build, deployment, data_dir, flags)
        for door, address in [("kafka", self.kafka), ("rpc", self.address), ("http", self.http)]:
            self.command.append(f"--{door}_listen={address}")

    def start(self):
        self.log = self.steady_log
        super().start()

    def everything_said(self):
        with open(self.log, errors="replace") as log:
            return log.read()


class Setting:
    """build: the folder of cambiumd and cambium. options: what the command line says of sizes."""

    def __init__(self, build, deployment, options):
        self.build, self.deployment, self.options = build, deployment, options
        self.engine = DEPLOYMENTS[deployment]
        self.program = os.path.join(build, "cambium")
        self.folder = None
        self.brokers = []

    @contextlib.contextmanager
    def opened(self):
        self.folder = tempfile.mkdtemp(prefix="cambium-endurance-", dir=self.options.folder or None)
        try:
            yield self
        finally:
            for broker in self.brokers:
                if broker.process and broker.process.poll() is None:
                    broker.kill()
            shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def broker(self, *flags, data_dir=None):
        broker = SteadyBroker(self.build, self.deployment, data_dir or self.path("data"), self.path("log"), flags)
        self.brokers.append(broker)
        return broker

    def cambium(self, broker, *arguments, **options):
        return output(self.program, f"--broker={broker.address}", *arguments, **{"timeout": COMMAND_S, **options})

    def start_cambium(self, broker, *arguments, **options):
        """A command that goes on while the check does; whoever starts it ends it."""
        return subprocess.Popen([self.program, f"--broker={broker.address}", *arguments], stdin=subprocess.DEVNULL, text=True,
                                **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})

    def create(self, broker, topic, partitions=1, **configs):
        """configs: with _ for the dots of their names."""
        words = [f"--config={name.replace('_', '.')}={value}" for name, value in configs.items()]
        self.cambium(broker, "topic", "create", topic, f"--partitions={partitions}", *words)

    def partitions(self, broker, topic):
        return json.loads(self.cambium(broker, "topic", "describe", topic, "--json"))["partitions"]

    def verify(self, data_dir=None):
        """inspect --verify of a stopped broker's folder; its last line. Failed where it finds anything."""
        return output(self.program, "inspect", data_dir or self.path("data"), "--verify", timeout=3 * COMMAND_S).strip().splitlines()[-1]


def check_log(broker):
    """Nothing in the broker's log that should not happen."""
    bad = re.findall(r"^.*(?:assertion failed|expected .* \[|FATAL|terminate called|Segmentation).*$", broker.everything_said(), re.M)
    check(not bad, f"the broker's log says: {bad[:3]}")


def note(text):
    """Progress, for a terminal alone."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K        {text}", end="", file=sys.stderr, flush=True)


def end_process(process):
    if process and process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdout, process.stderr) if process else ():
        if pipe:
            pipe.close()


def size(count):
    return f"{count / (1 << 30):.2f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.1f} MiB"
