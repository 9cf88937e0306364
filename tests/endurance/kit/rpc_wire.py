"""Messages of the Cap'n Proto RPC protocol as bytes, of the standard library alone: what a client that means harm would send.

Layouts: rpc.capnp of Cap'n Proto. Every message here has one segment.
"""

import re
import socket
import struct
import subprocess

GATE = 0
ANONYMOUS = 0
CALL, FINISH, BOOTSTRAP = 2, 4, 8
BOOTSTRAP_QUESTION = 0


def _pointer(offset_words, data_words, pointers):
    """A struct pointer, as a word."""
    return struct.pack("<IHH", (offset_words << 2) & 0xFFFFFFFF, data_words, pointers)


def _message(which, body):
    """A Message whose union says `which` and points to `body`: data words, pointers and what they point to."""
    words = _pointer(0, 1, 1) + struct.pack("<HHI", which, 0, 0) + body
    return struct.pack("<II", 0, len(words) // 8) + words


def bootstrap():
    return _message(BOOTSTRAP, _pointer(0, 1, 1) + struct.pack("<II", BOOTSTRAP_QUESTION, 0) + bytes(8))


def call(question, interface_id, method):
    """A call of the bootstrap capability with no parameters."""
    head = struct.pack("<IHHQQ", question, method, 0, interface_id, 0)
    # Pointers of Call: target, params, where the results go. Then the target, with its PromisedAnswer, then the Payload.
    target = struct.pack("<IHH", 0, 1, 0) + _pointer(0, 1, 1)
    promised = struct.pack("<II", BOOTSTRAP_QUESTION, 0) + bytes(8)
    payload = bytes(16)
    pointers = _pointer(2, 1, 1) + _pointer(1 + 4, 0, 2) + bytes(8)
    return _message(CALL, _pointer(0, 3, 3) + head + pointers + target + promised + payload)


def finish(question):
    """The answer may go, with all capabilities in it."""
    return _message(FINISH, _pointer(0, 1, 0) + struct.pack("<II", question, 0))


def gate_id(schema):
    """The number of the interface Gate, from schema/cambium.capnp, which the compiler knows."""
    said = subprocess.run(["capnp", "compile", "-ocapnp", "-I/usr/include", schema], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"interface Gate @0x([0-9a-f]+)", said)[1], 16)


def connect(address, source="127.0.0.1"):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=60, source_address=(source, 0))
