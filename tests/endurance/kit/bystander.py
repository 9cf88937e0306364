"""A client that does no harm, in a process of its own: produces with acks=all, fetches and asks for metadata, each every 10 ms, and
connects anew every 100 ms. It notes how long each answer took and which did not come."""

import contextlib
import multiprocessing
import struct
import threading
import time

from kit.batch import batch_of
from kit.wire import KafkaConnection, text

EVERY_S = 0.010
CONNECT_EVERY_S = 0.100
ANSWER_S = 60
METADATA = (3, 1)
# The bystander comes from another address than those who attack.
ADDRESS = "127.0.0.1"


def _metadata(connection, topic):
    answer = connection.call(METADATA, struct.pack(">i", 1) + text(topic))
    brokers = answer.take("i")
    if brokers != 1:
        raise OSError(f"metadata names {brokers} brokers")


class _Worker(threading.Thread):
    """Does one thing again and again on a connection of its own."""

    def __init__(self, address, what, every_s, keep_connection=True):
        super().__init__(daemon=True)
        self.address, self.what, self.every_s, self.keeps = address, what, every_s, keep_connection
        self.took, self.failed, self.halt = [], [], threading.Event()
        self.begun = None

    def run(self):
        connection = None
        while not self.halt.is_set():
            self.begun = time.monotonic()
            try:
                connection = connection or KafkaConnection(self.address)
                self.what(connection)
                self.took.append((self.begun, time.monotonic() - self.begun))
                if not self.keeps:
                    connection.close()
                    connection = None
            except Exception as failure:
                self.failed.append(repr(failure))
                if connection:
                    connection.close()
                connection = None
            self.begun = None
            self.halt.wait(self.every_s)

    def waiting_s(self):
        begun = self.begun
        return time.monotonic() - begun if begun else 0.0


def _live(address, topic, pipe):
    sequence = [0]
    identity = KafkaConnection(address).producer_id()

    def produce(connection):
        batch = batch_of([(None, b"bystander" * 10)], *identity, sequence[0])
        code, _, said = connection.produce(topic, 0, batch)
        if code != 0:
            raise OSError(f"produce was answered with error {code} {said}")
        sequence[0] += 1

    def fetch(connection):
        code, _, _ = connection.fetch(topic, 0, max(sequence[0] - 1, 0))
        if code not in (0, 1):
            raise OSError(f"fetch was answered with error {code}")

    workers = {"produce": _Worker(address, produce, EVERY_S), "fetch": _Worker(address, fetch, EVERY_S),
               "metadata": _Worker(address, lambda connection: _metadata(connection, topic), EVERY_S),
               "connect": _Worker(address, lambda connection: _metadata(connection, topic), CONNECT_EVERY_S, keep_connection=False)}
    for worker in workers.values():
        worker.start()
    while pipe.recv() == "report":
        pipe.send({name: (worker.took[:], worker.failed[:], worker.waiting_s()) for name, worker in workers.items()})


class Bystander:
    """Lives from its making until close()."""

    def __init__(self, address, topic):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_live, args=(address, topic, other), daemon=True)
        self.process.start()

    def report(self, since, until):
        """Of what began in that time (of time.monotonic()): (seconds each took, worst first, failures)."""
        self.pipe.send("report")
        told = self.pipe.recv()
        took, failures = [], []
        for name, (done, failed, waiting_s) in told.items():
            took += [seconds for begun, seconds in done if since <= begun <= until]
            failures += [f"{name}: {failure}" for failure in failed]
            # Something that has no answer yet counts with the time it has waited.
            if waiting_s > 1:
                took.append(waiting_s)
        return sorted(took, reverse=True), failures

    def close(self):
        with contextlib.suppress(OSError):
            self.pipe.send("end")
        self.process.join(5)
        self.process.kill()


def p99(worst_first):
    """0 where nothing was measured."""
    return worst_first[len(worst_first) // 100] if worst_first else 0.0
