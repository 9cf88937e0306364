"""kill -9 over many gigabytes: the broker is back at once, having read the ends of its logs alone."""

import glob
import os
import threading
import time
import urllib.error
import urllib.request

from harness.checks import check
from kit.setting import end_process, note, size
from kit.watch import bytes_read, drop_page_cache, wait_for

PARTITIONS = 4
RECORD_BYTES = 4096
# What a start may read of each partition, however long it is: what came behind the last row of producers (16 MiB), what came behind
# the last state of the log (16 MiB), and the rest.
READ_OF_PARTITION_MAX = 48 << 20
READY_S = 120
# Cold pages of stores in RocksDB come slowly: what a trial of few gigabytes may take.
SMALL_START_S = 10


def is_ready(broker):
    try:
        return urllib.request.urlopen(f"http://{broker.http}/readyz", timeout=1).status == 200
    except (OSError, urllib.error.URLError):
        return False


def kill_in_the_middle(setting, broker):
    """A producer runs as the broker dies."""
    before = sum(p["end"] for p in setting.partitions(broker, "big"))
    producer = setting.start_cambium(broker, "perf", "produce", "big", "--records=100000000", f"--record_bytes={RECORD_BYTES}",
                                     "--partitioner=round_robin")
    try:
        wait_for(lambda: sum(p["end"] for p in setting.partitions(broker, "big")) > before + 20_000, 60, "the producer does not produce")
        check(producer.poll() is None, "the producer ended before the broker was killed")
        broker.kill()
    finally:
        end_process(producer)
    return before


def timed_start(broker):
    """(seconds from exec to /readyz, bytes by read calls, bytes from the device)."""
    begun = time.monotonic()
    starting = threading.Thread(target=broker.start, daemon=True)
    starting.start()
    wait_for(lambda: is_ready(broker), READY_S, lambda: f"/readyz: {broker.said()}")
    seconds = time.monotonic() - begun
    calls, device = bytes_read(broker.process.pid)
    starting.join()
    return seconds, calls, device


def read_files(folder):
    """Seconds for reading every file, as a start would that trusted nothing."""
    drop_page_cache()
    begun = time.monotonic()
    total = 0
    buffer = bytearray(1 << 20)
    for path in glob.glob(os.path.join(folder, "**"), recursive=True):
        if os.path.isfile(path):
            with open(path, "rb", buffering=0) as file:
                while count := file.readinto(buffer):
                    total += count
    return time.monotonic() - begun, total


def restart(setting):
    records = int(setting.options.gib * (1 << 30) / RECORD_BYTES)
    broker = setting.broker()
    setting.create(broker, "big", PARTITIONS)
    note(f"writing {setting.options.gib} GiB")
    begun = time.monotonic()
    setting.cambium(broker, "perf", "produce", "big", f"--records={records}", f"--record_bytes={RECORD_BYTES}", "--partitioner=round_robin",
                    timeout=3600)
    writing = time.monotonic() - begun
    kept = kill_in_the_middle(setting, broker)
    check(kept == records, f"{kept} records are there, {records} were acknowledged")
    dropped = drop_page_cache()
    seconds, calls, device = timed_start(broker)
    after = sum(p["end"] for p in setting.partitions(broker, "big"))
    check(after >= kept + 20_000, f"{after} records after the kill, {kept + 20_000} were there before")
    setting.cambium(broker, "perf", "produce", "big", "--records=1000")
    note("reading everything")
    broker.stop()
    whole, total = read_files(setting.path("data"))
    begun = time.monotonic()
    verified = setting.verify()
    verifying = time.monotonic() - begun
    figures = (f"{size(total)} written in {writing:.0f} s; {'cold' if dropped else 'cached'} start after kill -9: ready in {seconds:.2f} s, "
               f"read {size(calls)} ({size(device)} from the device), {100 * calls / total:.1f} %; "
               f"reading all files {whole:.1f} s, inspect --verify {verifying:.1f} s: {verified}")
    check(calls <= PARTITIONS * READ_OF_PARTITION_MAX, f"the start read too much: {figures}")
    check(seconds < max(whole / 2, SMALL_START_S), f"the start took too long: {figures}")
    return figures
