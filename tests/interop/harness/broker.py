"""A broker of ours in a process of its own."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from harness.checks import Failed, check
from harness.places import ROOT

READY_S = 30
STOP_S = 30


class Broker:
    """One deployment on free ports; stop() is clean, kill() is not, start() again keeps the data. What it says is kept in said()."""

    def __init__(self, build, deployment, data_dir, flags=()):
        self.command = [os.path.join(build, "cambiumd"), f"--flagfile={ROOT}/deploy/{deployment}.flags", f"--data_dir={data_dir}",
                        "--rpc_listen=127.0.0.1:0", "--http_listen=127.0.0.1:0", "--kafka_listen=127.0.0.1:0", *flags]
        self.log = data_dir + ".log"
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        line = self._ready_line(begin)
        found = re.search(r"Kafka on (\S+?), Cap'n Proto RPC on (\S+?), HTTP on (\S+?);", line)
        check(found, f"the broker's first line does not name its doors: {line}")
        self.kafka, self.address, self.http = found.groups()

    def _ready_line(self, begin):
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            with open(self.log, errors="replace") as log:
                log.seek(begin)
                for line in log:
                    if " is ready: " in line and line.endswith("\n"):
                        return line
            check(self.process.poll() is None, f"the broker did not start: {self.said()}")
            time.sleep(0.005)
        raise Failed(f"the broker was not ready within {READY_S} s: {self.said()}")

    def said(self):
        """The end of its log."""
        with open(self.log, errors="replace") as log:
            return log.read()[-2000:]

    def stop(self):
        """Returns the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=STOP_S)
        check(code == 0, f"the broker ended with {code}: {self.said()}")
        return time.monotonic() - begun

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def broker_of(build, deployment, flags=()):
    """A broker with a data directory of its own: (broker, data_dir)."""
    data_dir = tempfile.mkdtemp(prefix="cambium-interop-")
    broker = None
    try:
        broker = Broker(build, deployment, data_dir, flags)
        yield broker, data_dir
    finally:
        if broker and broker.process.poll() is None:
            broker.kill()
        shutil.rmtree(data_dir)
        with contextlib.suppress(FileNotFoundError):
            os.remove(data_dir + ".log")
