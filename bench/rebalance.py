#!/usr/bin/env python3
"""How long the broker takes to rebalance a group: ten members over a hundred partitions, joining and leaving.

    bench/rebalance.py CAMBIUMD LIBRDKAFKA_CLIENT [MEMBERS] [PARTITIONS]

Starts a broker, MEMBERS consumers (the program of tests/interop/clients/librdkafka), stops one and starts it anew, and prints what
the broker's metric cambium_group_rebalance_seconds says: the time from the first sign of a rebalance until every member is sent its
assignment. It holds the members' own time, who learn of a rebalance by their next heartbeat.
"""

import re
import subprocess
import sys
import tempfile
import time
import urllib.request


def rebalances(http):
    page = urllib.request.urlopen(f"http://{http}/metrics", timeout=5).read().decode()
    value = lambda name: float(re.search(rf"^{name} (\S+)$", page, re.M).group(1))
    return value("cambium_group_rebalance_seconds_count"), value("cambium_group_rebalance_seconds_sum")


def wait_stable(cambium, rpc, members):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        shown = subprocess.run([cambium, f"--broker={rpc}", "group", "describe", "rebalance"], capture_output=True, text=True).stdout
        if re.search(rf"Stable, {members} members", shown):
            return
        time.sleep(0.05)
    sys.exit(f"rebalance.py: the group did not come to rest with {members} members")


def main():
    cambiumd, client = sys.argv[1:3]
    members = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    partitions = int(sys.argv[4]) if len(sys.argv) > 4 else 100
    cambium = cambiumd[:-1]
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--kafka_listen=127.0.0.1:0", "--rpc_listen=127.0.0.1:0", "--http_listen=127.0.0.1:0",
                 "--group_initial_rebalance_delay_ms=0"]
        broker = subprocess.Popen([cambiumd, f"--data_dir={folder}", *flags], stderr=subprocess.PIPE, text=True)
        ready = broker.stderr.readline()
        kafka, rpc, http = (re.search(rf"{door} on (\S+?)[,;]", ready).group(1) for door in ("Kafka", "RPC", "HTTP"))
        subprocess.run([cambium, f"--broker={rpc}", "topic", "create", "many", f"--partitions={partitions}"], check=True,
                       stdout=subprocess.DEVNULL)
        start = lambda: subprocess.Popen([client, "consume", kafka, "many", "rebalance", "0"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        running = []
        try:
            running = [start() for _ in range(members)]
            wait_stable(cambium, rpc, members)
            for step in ("one leaves", "one joins"):
                count, seconds = rebalances(http)
                if step == "one leaves":
                    running.pop().terminate()
                    wait_stable(cambium, rpc, members - 1)
                else:
                    running.append(start())
                    wait_stable(cambium, rpc, members)
                after, total = rebalances(http)
                print(f"{step}: {after - count:.0f} rebalance(s), {1000 * (total - seconds) / max(1, after - count):.1f} ms each")
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait()
            broker.terminate()
            broker.wait()


if __name__ == "__main__":
    main()
