#!/usr/bin/env python3
"""Show: an idempotent Java producer through a proxy that drops connections at random. What is read is what was sent: once, in order.

    tests/interop/shows/drops.py --broker='COMMAND' [--records=N] [--seed=N] [--version=4.3.1] [--codec=none]

COMMAND starts the broker: {port} is where to listen, {advertised} the port that clients have to be told (the proxy's), {folder} where its
data may be.
"""

import argparse
import collections
import os
import random
import subprocess
import sys
import tempfile

from broker_command import BrokerCommand
from dropping_proxy import DroppingProxy

CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(CLIENTS)))
PARTITIONS = 3
# A client that comes back quickly, so that the show is of many drops and not of waiting.
IMPATIENT = ["reconnect.backoff.ms=5", "reconnect.backoff.max.ms=20", "retry.backoff.ms=5", "retry.backoff.max.ms=20", "batch.size=4000"]
# As old answers are small (60 bytes to a Produce), few of them already use up an answer budget.
REQUEST_BYTES_MAX = 400_000
ANSWER_BYTES_MAX = 6_000


class JavaClient:
    def __init__(self, version):
        self.folder = os.path.join(CLIENTS, f"java-{version}")
        self.installed = os.path.join(ROOT, "build", "interop", "clients", f"java-{version}")
        subprocess.run([os.path.join(self.folder, "install"), self.installed], check=True)

    def run(self, *arguments):
        done = subprocess.run([os.path.join(self.folder, "client"), self.installed, *arguments], capture_output=True, text=True,
                              timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stderr[-3000:]}")
        return done.stdout


def difference(lines, dump):
    """What is wrong with the records (partition, offset, key, value, line) that were read, or None."""
    numbers = collections.defaultdict(list)
    for record in sorted(dump.splitlines(), key=lambda r: tuple(map(int, r.split("\t")[:2]))):
        partition, _, key, value, number = record.split("\t")
        if lines[int(number) - 1] != f"{key}\t{value}":
            return f"line {number} came back as {key}, {value}"
        numbers[partition].append(int(number))
    counts = collections.Counter(number for one in numbers.values() for number in one)
    twice = [number for number, count in counts.items() if count > 1]
    lost = [number for number in range(1, len(lines) + 1) if number not in counts]
    if twice or lost:
        return f"{len(lost)} lost ({lost[:5]}), {len(twice)} more than once ({twice[:5]})"
    unordered = [partition for partition, one in numbers.items() if one != sorted(one)]
    return f"partitions out of order: {unordered}" if unordered else None


def show(command, records, seed, version, codec):
    client = JavaClient(version)
    generator = random.Random(seed)
    lines = [f"key {generator.randrange(1000)}\tvalue {number} {'x' * generator.randrange(200)}" for number in range(1, records + 1)]
    proxy = DroppingProxy(seed, REQUEST_BYTES_MAX, ANSWER_BYTES_MAX)
    with BrokerCommand(command, advertised=proxy.port) as broker, tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        proxy.calm = True
        proxy.serve(("127.0.0.1", broker.port))
        through = f"127.0.0.1:{proxy.port}"
        client.run("create", through, "drops", str(PARTITIONS))
        proxy.calm = False
        client.run("produce", through, "drops", codec, file.name, *IMPATIENT)
        proxy.calm = True
        wrong = difference(lines, client.run("dump", through, "drops"))
    proxy.close()
    said = (f"{records} records of {codec}, {proxy.drops} connections dropped, {proxy.drops_inside_answers} of them inside an answer "
            f"(seed {seed})")
    if proxy.drops_inside_answers == 0:
        wrong = wrong or "no connection was dropped inside an answer: nothing is shown"
    print(f"failed drops: {wrong}; {said}" if wrong else f"ok drops: {said}; read once each, in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--version", default="4.3.1")
    parser.add_argument("--codec", default="none")
    arguments = parser.parse_args()
    sys.exit(show(arguments.broker, arguments.records, arguments.seed, arguments.version, arguments.codec))
