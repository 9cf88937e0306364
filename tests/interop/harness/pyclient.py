"""What the clients written in Python share: the files, lines and calls of the contract (tests/interop/README.md)."""

import signal
import sys
import time

SESSION_TIMEOUT_MS = 6000
HEARTBEAT_INTERVAL_MS = 500
COMMIT_INTERVAL_S = 0.5
CALL_TIMEOUT_S = 30
SETTLE_S = 5


def records_of(path):
    """Yields (key, value, headers) of each line: bytes, and the list that every client takes."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            key, value = line.rstrip(b"\n").split(b"\t", 1)
            yield key, value, [("line", str(number).encode())]


def show(partition, offset, key, value, headers):
    line = dict(headers or []).get("line", b"")
    sys.stdout.buffer.write(b"%d\t%d\t%s\t%s\t%s\n" % (partition, offset, key or b"", value or b"", line))


def tell(change, partitions):
    """assigned / revoked, as "assigned 0,2"; nothing where nothing did."""
    if partitions:
        print(change, ",".join(map(str, sorted(partitions))), file=sys.stderr, flush=True)


class Stop:
    """True once SIGTERM came."""

    def __init__(self):
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_):
        self.asked = True

    def __bool__(self):
        return self.asked


def reason(error):
    return f"{type(error).__name__} {error}".replace("\n", " ")[:300]


class Calls:
    """Prints "ok CALL" or "failed CALL: reason" for each call made through it. A call whose answer is not as expected yet is made
    again for a while: a broker may still be spreading what the last one changed."""

    def __init__(self):
        self.failed = 0

    def make(self, name, call, expected=None):
        """call() is made; expected(answer), when given, says whether the answer is right. Returns the answer, or None."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                answer = call()
                if expected is None or expected(answer):
                    print(f"ok {name}", flush=True)
                    return answer
                said = f"unexpected answer {answer!r}".replace("\n", " ")[:300]
            except Exception as error:  # whatever a client's library throws belongs into the table
                said = reason(error)
            if time.monotonic() > deadline:
                self.failed += 1
                print(f"failed {name}: {said}", flush=True)
                return None
            time.sleep(0.2)

    async def amake(self, name, call, expected=None):
        """The same for a call that gives an awaitable."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                answer = await call()
                if expected is None or expected(answer):
                    print(f"ok {name}", flush=True)
                    return
                said = f"unexpected answer {answer!r}".replace("\n", " ")[:300]
            except Exception as error:
                said = reason(error)
            if time.monotonic() > deadline:
                self.failed += 1
                print(f"failed {name}: {said}", flush=True)
                return
            time.sleep(0.2)


def run(commands):
    """Calls commands[COMMAND](BOOTSTRAP, ARGS...) with what stands on the command line; exit code 1 when it fails or returns one."""
    command, *arguments = sys.argv[1:]
    try:
        sys.exit(commands[command](*arguments))
    except Exception as error:
        print(f"failed: {reason(error)}", file=sys.stderr)
        sys.exit(1)
