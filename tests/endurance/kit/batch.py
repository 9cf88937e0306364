"""Record batches, version 2, as bytes: made quickly from fixed parts, and read back without any help of the broker's."""

import ctypes
import ctypes.util
import struct
import time

HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = HEADER.size
# Of the header, what lies behind the checksum and is covered by it.
COVERED = struct.Struct(">hiqqqhii")
CRC_END = 21


def _crc32c_function():
    """(bytes) -> checksum, of ISA-L, which the broker is linked with as well."""
    library = ctypes.CDLL(ctypes.util.find_library("isal") or "libisal.so.2")
    library.crc32_iscsi.restype = ctypes.c_uint32
    library.crc32_iscsi.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32]
    return lambda data: library.crc32_iscsi(data, len(data), 0xFFFFFFFF) ^ 0xFFFFFFFF


crc32c = _crc32c_function()


def varint(value):
    """Zigzag, as fields of records are written."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


VARINTS = [varint(value) for value in range(1 << 14)]


def _varint(value):
    return VARINTS[value] if 0 <= value < len(VARINTS) else varint(value)


def batch_of(records, producer_id, epoch, first_sequence):
    """records: pairs (key or None, value). Returns the bytes of one batch of an idempotent producer."""
    parts = []
    for delta, (key, value) in enumerate(records):
        keyed = b"\x01" if key is None else _varint(len(key)) + key
        body = b"".join((b"\0\0", _varint(delta), keyed, _varint(len(value)), value, b"\0"))
        parts.append(_varint(len(body)))
        parts.append(body)
    now, count = int(time.time() * 1000), len(records)
    payload = COVERED.pack(0, count - 1, now, now, producer_id, epoch, first_sequence, count) + b"".join(parts)
    return struct.pack(">qiibI", 0, len(payload) + CRC_END - 12, -1, 2, crc32c(payload)) + payload


def _read_varint(data, at):
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7


def records_of(data):
    """Yields (offset, key or None, value) of whole batches; a part of one at the end is left. ValueError where a checksum is wrong."""
    at = 0
    while at + HEADER_BYTES <= len(data):
        base, length, _, magic, crc, attributes, last_delta, _, _, _, _, _, count = HEADER.unpack_from(data, at)
        end = at + 12 + length
        if end > len(data):
            return
        if magic != 2 or attributes & 7 or crc32c(data[at + CRC_END:end]) != crc:
            raise ValueError(f"the batch at offset {base} has magic {magic}, attributes {attributes} or a wrong checksum")
        place = at + HEADER_BYTES
        for _ in range(count):
            size, place = _read_varint(data, place)
            yield _record(data, place, base)
            place += size
        at = end
        yield base + last_delta + 1, None, None  # where to go on


def _record(data, at, base):
    _, at = _read_varint(data, at + 1)
    delta, at = _read_varint(data, at)
    size, at = _read_varint(data, at)
    key = None if size < 0 else bytes(data[at:at + size])
    size, at = _read_varint(data, at + max(size, 0))
    return base + delta, key, b"" if size < 0 else bytes(data[at:at + size])
