"""A broker that is started from a command line, for shows that end it and start it again on the same port and data."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class BrokerCommand:
    """command: words in which {port}, {advertised} (the port that clients are told) and {folder} (of the data) are put in."""

    def __init__(self, command, advertised=None):
        self.folder = tempfile.mkdtemp(prefix="cambium-show-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.words = [word.format(port=self.port, advertised=advertised or self.port, folder=self.folder)
                      for word in shlex.split(command)]
        self.log = tempfile.TemporaryFile()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failure, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if failure is not None:
            print(f"the broker said: {self.said()}", file=sys.stderr)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Returns when the port accepts."""
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the broker does not listen on {self.port}: {self.said()}") from None
                time.sleep(0.05)

    def said(self):
        """The end of its log."""
        end = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), 2000, max(0, end - 2000)).decode(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=STOP_SECONDS_MAX)

    def kill(self):
        self.process.kill()
        self.process.wait()
