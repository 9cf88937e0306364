"""Thousands of connections that have asked once and then say nothing: what each costs, and what is left of it when they have gone."""

import contextlib
import resource
import time

from harness.checks import Failed, check
from kit import hostile, rpc_wire
from kit.watch import resident_bytes, whole_resident_bytes

# As many as a door takes of the 20,000 descriptors that are the limit on many machines.
CONNECTIONS = 9_000
BYTES_OF_EACH_MAX = 8 << 10
# What a broker may still hold when all have gone, of its resident memory before.
LEFT_RATIO_MAX = 1.10
SETTLE_S = 3
DESCRIPTORS = 20_000
GONE_S = 15


def ask_kafka(sock):
    sock.sendall(hostile.frame(18, 0, b""))
    hostile.read_frame(sock)


def ask_rpc(sock):
    sock.sendall(rpc_wire.bootstrap())
    check(sock.recv(4096), "no answer over RPC")


def idle_on(broker, address, ask):
    """(bytes of each, memory before, memory when all have gone)."""
    pid = broker.process.pid
    # The first connections make what the door needs once.
    for _ in range(100):
        with hostile.connect(address) as sock:
            ask(sock)
    time.sleep(SETTLE_S)
    before, own_before = whole_resident_bytes(pid), resident_bytes(pid)
    with contextlib.ExitStack() as open_ones:
        for _ in range(CONNECTIONS):
            ask(open_ones.enter_context(hostile.connect(address)))
        time.sleep(SETTLE_S)
        each = (resident_bytes(pid) - own_before) / CONNECTIONS
    deadline = time.monotonic() + GONE_S
    while (after := whole_resident_bytes(pid)) > before * LEFT_RATIO_MAX and time.monotonic() < deadline:
        time.sleep(0.2)
    return each, before, after


def idle(setting):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        return f"skipped: {DESCRIPTORS} file descriptors are needed, the limit is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    told, faults = [], []
    for door in ("kafka", "rpc"):
        broker = setting.broker("--open_files_max=500", f"--connections_per_address_max={CONNECTIONS + 1000}",
                                data_dir=setting.path(f"data-{door}"))
        address, ask = (broker.kafka, ask_kafka) if door == "kafka" else (broker.address, ask_rpc)
        each, before, after = idle_on(broker, address, ask)
        told.append(f"{door} {each / 1024:.1f} KiB each, memory {before >> 10} KiB before, {after >> 10} KiB after")
        if each > BYTES_OF_EACH_MAX:
            faults.append(f"{door}: {each / 1024:.1f} KiB for each")
        if after > before * LEFT_RATIO_MAX:
            faults.append(f"{door}: {after >> 10} KiB stay of {before >> 10}")
        broker.stop()
    if faults and not setting.options.only_measure:
        raise Failed("; ".join(faults + told))
    return "; ".join(told)
