"""A consumer of some client, running."""

import os
import signal
import subprocess
import threading
import time

from harness.checks import Failed, check
from harness.records import Record


class Member:
    """Collects what a consumer prints while it runs. records, assigned and broken may be read at any time under the lock `changed`."""

    def __init__(self, command, log):
        """log: path without extension for what it prints."""
        self.records = []
        self.assigned = set()
        self.broken = None
        self.changed = threading.Condition()
        self.log = log
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        start_new_session=True)
        self.readers = [threading.Thread(target=self._read, args=arguments, daemon=True)
                        for arguments in [(self.process.stdout, "out", self._take_record), (self.process.stderr, "err", self._take_word)]]
        for reader in self.readers:
            reader.start()

    def _read(self, stream, extension, take):
        with open(f"{self.log}.{extension}", "wb") as log:
            for line in stream:
                log.write(line)
                log.flush()
                # A process that was killed may leave half a line; the record counts as not printed.
                if not line.endswith(b"\n"):
                    continue
                with self.changed:
                    take(line.decode(errors="replace").rstrip("\n"))
                    self.changed.notify_all()

    def _take_record(self, text):
        try:
            self.records.append(Record.parse(text))
        except Failed as failure:
            self.broken = str(failure)

    def _take_word(self, text):
        change, _, partitions = text.partition(" ")
        if change not in ("assigned", "revoked"):
            return
        numbers = {int(number) for number in partitions.split(",") if number.isdigit()}
        self.assigned = self.assigned | numbers if change == "assigned" else self.assigned - numbers

    def stop(self, timeout=30):
        """Asks it to leave; Failed when it does not end well. Returns the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.finish(timeout)
        return time.monotonic() - begun

    def finish(self, timeout):
        """Waits for its end."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"a consumer had not ended after {timeout} s, with {len(self.records)} records printed") from None
        self._drain()
        check(code == 0, f"a consumer ended with {code}: {self.last_words()}")
        check(self.broken is None, self.broken)

    def kill(self):
        """Without a chance to do anything; with all processes it has begun."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self._drain()

    def _drain(self):
        for reader in self.readers:
            reader.join(5)

    def last_words(self):
        with open(f"{self.log}.err", errors="replace") as log:
            lines = [line.strip() for line in log if line.strip() and not line.startswith(("assigned", "revoked", "% "))]
        return " | ".join(lines[-3:])[-400:]


def wait_until(condition, members, timeout, what):
    """Waits until condition() holds; Failed when a member ends before that, or after the time. what() describes how far things are."""
    deadline = time.monotonic() + timeout
    while not condition():
        for member in members:
            if member.process.poll() is not None:
                member._drain()
                if condition():
                    return
                raise Failed(f"a consumer ended with {member.process.returncode}: {member.last_words()}")
            check(member.broken is None, member.broken)
        check(time.monotonic() < deadline, f"after {timeout} s: {what()}")
        time.sleep(0.02)
