"""What the system says of a process."""

import re
import threading
import time
import urllib.request

from harness.checks import Failed

EVERY_S = 0.1


def bytes_read(pid):
    """(by read calls, from the device)."""
    with open(f"/proc/{pid}/io") as file:
        facts = dict(line.split(": ") for line in file)
    return int(facts["rchar"]), int(facts["read_bytes"])


def resident_bytes(pid):
    """Without the pages of files that are mapped, which the system takes back as it likes."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read())[1]) << 10


def whole_resident_bytes(pid):
    """With the pages of files."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) << 10


def drop_page_cache():
    """False where that is not allowed."""
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3\n")
        return True
    except OSError:
        return False


def metrics(broker):
    """{name: value, summed over labels}."""
    page = urllib.request.urlopen(f"http://{broker.http}/metrics", timeout=10).read().decode()
    sums = {}
    for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? (\S+)$", page, re.M):
        sums[name] = sums.get(name, 0.0) + float(value)
    return sums


class MemorySamples(threading.Thread):
    """Looks at a process's memory until stop()."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.samples, self.halt = pid, [], threading.Event()
        self.start()

    def run(self):
        while not self.halt.wait(EVERY_S):
            try:
                self.samples.append(resident_bytes(self.pid))
            except (OSError, TypeError):
                return

    def stop(self):
        """The samples."""
        self.halt.set()
        self.join()
        return self.samples


def wait_for(condition, seconds, what):
    """Until condition() is true. what: said when it is not in time; a text or a function that makes one."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)
