"""Apache Kafka itself, as the bench starts it: one node, from the Maven repository."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness.checks import Failed, check, output
from harness.places import ROOT

READY_S = 120
START = os.path.join(ROOT, "bench", "peers", "start_kafka")


def clients_jar():
    """The jar of kafka-clients of Kafka's version."""
    output(START, "--fetch", timeout=900)
    jars = glob.glob(os.path.join(ROOT, "build", "peers", "kafka-*", "kafka-clients-*.jar"))
    check(len(jars) == 1, f"{len(jars)} jars of kafka-clients below build/peers; remove what is old there")
    return jars[0]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def await_door(process, port, log):
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        check(process.poll() is None, f"Kafka did not start: {open(log, errors='replace').read()[-2000:]}")
        time.sleep(0.05)
    raise Failed(f"Kafka was not there within {READY_S} s")


@contextlib.contextmanager
def kafka_broker(configs):
    """Its address. configs: {name: value} beside the defaults of start_kafka. It has a data directory of its own."""
    clients_jar()
    folder = tempfile.mkdtemp(prefix="cambium-kafka-")
    port, controller = free_ports(2)
    log = os.path.join(folder, "kafka.log")
    process = None
    try:
        with open(log, "wb") as out:
            settings = [f"--config={name}={value}" for name, value in configs.items()]
            process = subprocess.Popen([START, f"--data={folder}/data", f"--port={port}", f"--controller-port={controller}", *settings],
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        await_door(process, port, log)
        yield f"127.0.0.1:{port}"
    finally:
        if process and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
