#!/usr/bin/env python3
"""Messages that the Java client's classes write are read by our codec, and the other way round, for every API and version that both have.

    tests/interop/message_exchange.py [--build=build/release] [--seed=N] [--samples=N]

Prints "ok" or "failed" for each direction and version of the client; exit code 1: something failed.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "kafka_tools"))
from runner import ROOT, VERSIONS  # noqa: E402

JAVA = os.path.join(HERE, "java_messages", "run")


def exchange(title, *commands):
    """Runs the commands; the last one's last line is the result."""
    for command in commands:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, errors="replace", timeout=600)
        lines = (done.stdout + done.stderr).strip().splitlines()
        if done.returncode != 0:
            print(f"failed {title}:", *[line[:1000] for line in lines[:20] + lines[-1:]], sep="\n  ")
            return False
    print(f"ok {title}: {lines[-1]}")
    return True


def main(build, seed, samples):
    ours = os.path.join(build, "kafka_messages")
    good = True
    with tempfile.TemporaryDirectory(prefix="cambium-messages-") as folder:
        file = os.path.join(folder, "messages")
        for version in VERSIONS:
            good &= exchange(f"Java {version} writes, we read (seed {seed})", [JAVA, version, "write", file, seed, samples],
                             [ours, "check", file])
            good &= exchange(f"we write, Java {version} reads", [ours, "write", file, samples], [JAVA, version, "read", file])
    return 0 if good else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--samples", type=int, default=10)
    arguments = parser.parse_args()
    sys.exit(main(os.path.abspath(arguments.build), arguments.seed, arguments.samples))
