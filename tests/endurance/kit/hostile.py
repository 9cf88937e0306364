"""What one client does to harm all others: a function per attack. Each takes the broker's addresses and a Scene, runs in a process of its
own, comes from HOSTILE_ADDRESS, and ends when it has done what it does or when it is killed. What it returns is told in the check's line."""

import concurrent.futures
import contextlib
import gzip
import itertools
import select
import socket
import struct
import time

from kit import rpc_wire
from kit.batch import COVERED, CRC_END, crc32c, varint
from kit.wire import KafkaConnection, text

HOSTILE_ADDRESS = "127.0.0.66"
PATIENCE_S = 60


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S, source_address=(HOSTILE_ADDRESS, 0))


class HostileConnection(KafkaConnection):
    def __init__(self, address):
        self.socket, self.number = connect(address), 0


def frame(key, version, body, flexible=False, correlation=1):
    head = struct.pack(">hhi", key, version, correlation) + text("hostile") + (b"\0" if flexible else b"")
    return struct.pack(">i", len(head) + len(body)) + head + body


def compact(value):
    raw = value.encode()
    return unsigned(len(raw) + 1) + raw


def unsigned(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_frame(sock):
    """The size of the next answer, which is thrown away."""
    size = struct.unpack(">i", _exactly(sock, 4))[0]
    left, buffer = size, bytearray(1 << 20)
    while left > 0:
        got = sock.recv_into(buffer, min(left, len(buffer)))
        if got == 0:
            raise ConnectionResetError("closed by the broker")
        left -= got
    return size


def _exactly(sock, size):
    data = b""
    while len(data) < size:
        got = sock.recv(size - len(data))
        if not got:
            raise ConnectionResetError("closed by the broker")
        data += got
    return data


def send_and_tell(scene, request):
    """One request; how large its answer was, or that the broker closed the connection."""
    with connect(scene.kafka) as sock:
        try:
            sock.sendall(request)
            return f"answer of {read_frame(sock)} bytes"
        except OSError as failure:
            return f"no answer: {failure}"


# --- Answers

OFFSETS, METADATA_BYTES = 1000, 4000


def prepare_answers(scene):
    scene.create("large-metadata", OFFSETS)
    connection = KafkaConnection(scene.kafka)
    for begin in range(0, OFFSETS, 100):
        rows = b"".join(struct.pack(">iq", partition, 1) + text("m" * METADATA_BYTES) for partition in range(begin, begin + 100))
        body = text("hostile") + struct.pack(">i", -1) + text("") + struct.pack(">qi", -1, 1) + text("large-metadata")
        connection.call((8, 2), body + struct.pack(">i", 100) + rows)
    connection.close()


def group_named_often(scene, times=1000):
    """A1: OffsetFetch names one group a thousand times."""
    group = compact("hostile") + unsigned(0) + b"\0"
    return send_and_tell(scene, frame(9, 8, unsigned(times + 1) + group * times + b"\0" + b"\0", flexible=True))


def prepare_records(scene):
    scene.create("large-records", 1)
    scene.fill("large-records", 64 << 20)


def answers_untaken(scene, connections=60):
    """A3: fetches of all there is, and nobody reads."""
    body = struct.pack(">iiiibii", -1, 0, 1, 0x7FFFFFFF, 0, 0, -1) + struct.pack(">i", 1) + text("large-records")
    body += struct.pack(">iiiqqi", 1, 0, -1, 0, -1, 0x7FFFFFFF) + struct.pack(">i", 0) + text("")
    request = frame(1, 11, body)
    with contextlib.ExitStack() as open_ones:
        for _ in range(connections):
            sock = open_ones.enter_context(connect(scene.kafka))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(request)
        time.sleep(8)
    return f"{connections} fetches, none read"


# --- The loop

def _read_rest(sock):
    """What still comes, until nothing has come for a second."""
    sock.settimeout(1)
    size = 0
    with contextlib.suppress(OSError):
        while got := len(sock.recv(1 << 20)):
            size += got
    return size


def _flood(sock, pieces, seconds):
    """Sends one piece after the other as fast as they are taken, and reads what comes: (pieces sent, bytes read). Sleeps while the socket
    has no room, so that what a bystander notices is the broker's time, not the processor that this client takes."""
    sock.setblocking(False)
    sent, read, waiting, deadline = 0, 0, memoryview(b""), time.monotonic() + seconds
    pieces = iter(pieces)
    while time.monotonic() < deadline:
        if not waiting:
            waiting = memoryview(next(pieces, b""))
            if not waiting:
                break
        readable, writable, _ = select.select([sock], [sock], [], 1)
        if readable:
            got = sock.recv(1 << 20)
            if not got:
                raise ConnectionResetError("closed by the broker")
            read += len(got)
        if writable:
            waiting = waiting[sock.send(waiting):]
            sent += not waiting
    return sent, read + _read_rest(sock)


def small_requests(scene, total=200_000, at_once=1000):
    """A4, Kafka: many small requests one behind the other; the answers are read."""
    piece = b"".join(frame(18, 0, b"", correlation=n) for n in range(at_once))
    with connect(scene.kafka) as sock:
        begun = time.monotonic()
        sent, read = _flood(sock, itertools.repeat(piece, total // at_once), 15)
        took = time.monotonic() - begun
    return f"{sent * at_once} requests in {took:.1f} s, {read >> 20} MiB of answers read"


def prepare_topics(scene):
    scene.create("many-partitions", 100)


def small_metadata(scene):
    """A4, Kafka: the same with requests that a handler works on."""
    piece = b"".join(frame(3, 1, struct.pack(">i", -1), correlation=n) for n in range(1000))
    with connect(scene.kafka) as sock:
        sent, read = _flood(sock, itertools.repeat(piece, 100), 15)
    return f"{sent * 1000} requests, {read >> 20} MiB of answers read"


def many_small_requests(scene, connections=50):
    """A4, Kafka: the same on many connections at once."""
    piece = b"".join(frame(18, 0, b"", correlation=n) for n in range(200))
    with contextlib.ExitStack() as open_ones:
        socks = [open_ones.enter_context(connect(scene.kafka)) for _ in range(connections)]
        with contextlib.ExitStack() as threads:
            pool = threads.enter_context(concurrent.futures.ThreadPoolExecutor(connections))
            floods = list(pool.map(lambda sock: _flood(sock, itertools.repeat(piece, 20), 15), socks))
    return f"{sum(sent for sent, _ in floods) * 200} requests on {connections} connections"


def small_calls(scene, total=200_000, finishing=True):
    """A4, RPC: calls of Gate.anonymous, each finished; the answers are read."""
    gate = rpc_wire.gate_id(scene.schema)
    pieces = (b"".join(rpc_wire.call(n, gate, rpc_wire.ANONYMOUS) + (rpc_wire.finish(n) if finishing else b"")
                       for n in range(first, first + 500)) for first in range(1, total, 500))
    pieces = list(pieces)  # made before the clock runs
    with rpc_wire.connect(scene.rpc, HOSTILE_ADDRESS) as sock:
        sock.sendall(rpc_wire.bootstrap())
        begun = time.monotonic()
        try:
            sent, read = _flood(sock, pieces, 20)
        except OSError as failure:
            return f"after {time.monotonic() - begun:.1f} s: {failure}"
    return f"{sent * 500} calls in {time.monotonic() - begun:.1f} s, {read >> 20} MiB of answers read"


def calls_kept(scene, total=300_000):
    """A5: calls that are never finished, and capabilities that are kept."""
    return small_calls(scene, total, finishing=False)


ELEMENTS = 1_000_000


def _named_often(scene, key, version, head, element, tail=b"", flexible=False, elements=ELEMENTS):
    count = unsigned(elements + 1) if flexible else struct.pack(">i", elements)
    return send_and_tell(scene, frame(key, version, head + count + element * elements + tail, flexible))


def list_offsets_often(scene):
    """A9: one partition named a million times in ListOffsets."""
    return _named_often(scene, 2, 1, struct.pack(">ii", -1, 1) + text("large-records"), struct.pack(">iq", 0, -2))


def fetch_often(scene):
    """A9: the same in Fetch."""
    head = struct.pack(">iiiibii", -1, 0, 1, 1 << 20, 0, 0, -1) + struct.pack(">i", 1) + text("large-records")
    return _named_often(scene, 1, 11, head, struct.pack(">iiqqi", 0, -1, 0, -1, 100), struct.pack(">i", 0) + text(""))


def producers_often(scene):
    """A9: the same in DescribeProducers."""
    return _named_often(scene, 61, 0, unsigned(2) + compact("large-records"), struct.pack(">i", 0), b"\0\0", flexible=True)


def epochs_often(scene):
    """A9: the same in OffsetForLeaderEpoch."""
    head = struct.pack(">ii", -1, 1) + text("large-records")
    return _named_often(scene, 23, 3, head, struct.pack(">iii", 0, -1, 0))


def prepare_compacted(scene):
    scene.create("compacted", 1, cleanup_policy="compact")


def inflating_batch(size=125 << 20):
    """One record with a key and `size` zeros, gzip."""
    value = varint(size)
    body = b"\0\0\0" + varint(1) + b"k" + value
    packer = gzip.compress(varint(len(body) + size + 1) + body + bytes(size) + b"\0", 9)
    now = int(time.time() * 1000)
    payload = COVERED.pack(1, 0, now, now, -1, -1, -1, 1) + packer
    return struct.pack(">qiibI", 0, len(payload) + CRC_END - 12, -1, 2, crc32c(payload)) + payload


def inflating(scene, times=10):
    """A8: small batches that become large ones, onto a compacted topic."""
    batch, codes = inflating_batch(), []
    connection = HostileConnection(scene.kafka)
    for _ in range(times):
        codes.append(connection.produce("compacted", 0, batch)[0])
    return f"{times} batches of {len(batch)} bytes, answered with {sorted(set(codes))}"


# --- Room

def claims(scene, connections=3, seconds=40):
    """A6: frames that claim 100 MiB and send 1 MiB each 25 s."""
    with contextlib.ExitStack() as open_ones:
        socks = [open_ones.enter_context(connect(scene.kafka)) for _ in range(connections)]
        for sock in socks:
            sock.sendall(struct.pack(">i", 100 << 20) + struct.pack(">hhi", 0, 8, 1) + text("hostile") + bytes(1 << 20))
        deadline, refused = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            time.sleep(min(25, max(0.1, deadline - time.monotonic())))
            for sock in socks:
                try:
                    sock.sendall(bytes(1 << 20))
                except OSError:
                    refused += 1
    return f"{connections} claims, {refused} times cut off"


def idle_connections(scene, total=5200):
    """A7: connections that do nothing."""
    held, refused = [], 0
    for _ in range(total):
        try:
            sock = connect(scene.kafka)
            sock.settimeout(2)
            held.append(sock)
        except OSError:
            refused += 1
    time.sleep(3)
    closed = 0
    for sock in held:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            closed += sock.recv(1) == b""
        sock.close()
    return f"{len(held)} connections, {closed} closed by the broker, {refused} refused"


def topics_by_wish(scene, total=20_000):
    """A10: Metadata names topics that are not there."""
    with connect(scene.kafka) as sock:
        names = b"".join(text(f"made-up-{n}") for n in range(total))
        sock.sendall(frame(3, 4, struct.pack(">i", total) + names + b"\x01"))
        try:
            return f"{total} names: answer of {read_frame(sock)} bytes"
        except OSError as failure:
            return f"{total} names: {failure}"


def malformed_frames(scene, total=3000):
    """A13: what is no request, each on a connection of its own."""
    for n in range(total):
        with contextlib.suppress(OSError), connect(scene.kafka) as sock:
            sock.sendall(struct.pack(">i", -5 - n))
            sock.settimeout(5)
            sock.recv(1)
    return f"{total} frames"


def slow_headers(scene, connections=64, seconds=10):
    """A14: HTTP requests that come a byte each half second."""
    socks, deadline = [], time.monotonic() + seconds
    with contextlib.ExitStack() as open_ones:
        for _ in range(connections):
            with contextlib.suppress(OSError):
                socks.append(open_ones.enter_context(connect(scene.http)))
        for character in b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 1000:
            if time.monotonic() > deadline:
                break
            for sock in socks:
                with contextlib.suppress(OSError):
                    sock.sendall(bytes([character]))
            time.sleep(0.5)
    return f"{connections} slow requests"
