#!/usr/bin/env python3
"""Memory and speed of a broker under many idle Kafka connections.

    tests/interop/idle_connections.py CAMBIUMD [CONNECTIONS]

Starts the broker on free ports, measures its resident memory and how fast kcat produces, opens the connections (each asks once for the API
versions and then keeps silent), measures both again, closes the connections and looks once more. Fails when the broker takes more
than 32 KiB per connection or when kcat becomes slower than 70 % of what it reaches without them. Needs kcat and two descriptors per connection.
"""

import os
import re
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BYTES_PER_CONNECTION_MAX = 32 << 10
SPEED_KEPT_MIN = 0.7
LINES = 300_000
ROUNDS = 5
API_VERSIONS_0 = (10).to_bytes(4, "big") + (18).to_bytes(2, "big") + bytes(2) + (1).to_bytes(4, "big") + b"\xff\xff"


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10


def lines_per_second(port, lines):
    """Best of some rounds of kcat producing a file: other work on the machine only ever slows it down."""
    rates = []
    for _ in range(ROUNDS):
        begin = time.monotonic()
        subprocess.run(["kcat", "-b", f"127.0.0.1:{port}", "-P", "-t", "idle", "-l", lines], check=True,
                       stderr=subprocess.DEVNULL)
        rates.append(LINES / (time.monotonic() - begin))
    return max(rates)


def start(binary, folder, connections):
    log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
    broker = subprocess.Popen([binary, "--data_dir", os.path.join(folder, "data"), "--kafka_listen", "127.0.0.1:0",
                               "--rpc_listen=", "--http_listen=", "--cores", "1",
                               "--connections_per_address_max", str(connections)], stderr=log)
    for _ in range(200):
        with open(log.name, encoding="utf-8") as text:
            ready = re.search(r"is ready: Kafka on 127\.0\.0\.1:(\d+)", text.read())
        if ready:
            return broker, int(ready.group(1))
        time.sleep(0.05)
    broker.kill()
    sys.exit(f"the broker did not start, see {log.name}")


def connect(port, count):
    """Connections that have asked and were answered once."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(API_VERSIONS_0)
        clients.append(client)
    for client in clients:
        if not client.recv(4096):
            sys.exit("a connection was closed")
    return clients


def closed(clients):
    """How many the broker has ended meanwhile."""
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN)
    return len(poll.poll(0))


def main(binary, count):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if limit != resource.RLIM_INFINITY and limit < count + 200:
        sys.exit(f"{limit} descriptors are allowed, {count + 200} are needed")
    folder = tempfile.mkdtemp(prefix="cambium-idle-")
    lines = os.path.join(folder, "lines")
    with open(lines, "w", encoding="ascii") as out:
        out.writelines(f"line {i}, long enough to look like one of a log of some service\n" for i in range(LINES))
    broker, port = start(binary, folder, count + 10)
    try:
        rate_alone = lines_per_second(port, lines)
        alone = resident_bytes(broker.pid)
        clients = connect(port, count)
        idle = resident_bytes(broker.pid)
        rate_idle = lines_per_second(port, lines)
        lost = closed(clients)
        for client in clients:
            client.close()
        rate_after = lines_per_second(port, lines)
        after = resident_bytes(broker.pid)
    finally:
        broker.terminate()
        broker.wait(20)
        shutil.rmtree(folder)
    each = (idle - alone) / count
    print(f"{'':24}{'resident':>12}{'kcat':>18}")
    for name, size, rate in (("alone", alone, rate_alone), (f"{count} idle connections", idle, rate_idle),
                             ("after they closed", after, rate_after)):
        print(f"{name:24}{size / 2**20:8.1f} MiB{rate:10.0f} lines/s")
    print(f"{each:.0f} bytes for each connection; {lost} were closed by the broker")
    if each > BYTES_PER_CONNECTION_MAX or lost or rate_idle < SPEED_KEPT_MIN * min(rate_alone, rate_after) or broker.returncode != 0:
        sys.exit("too much")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 10_000)
