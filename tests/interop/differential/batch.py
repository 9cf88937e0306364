"""Record batches of version 2, as a producer makes them."""

import struct

FIRST_TIME_MS = 1_700_000_000_000


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C = _crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def record(delta, key, value):
    def counted(data):
        return varint(-1) if data is None else varint(len(data)) + data

    body = b"\0" + varint(delta) + varint(delta) + counted(key) + counted(value) + varint(0)
    return varint(len(body)) + body


def batch(count=1, first=0, attributes=0, producer=(-1, -1, -1), magic=2, crc_off=0, key=b"k", time_ms=FIRST_TIME_MS):
    """count records; the one with the offset first + i has the time time_ms + first + i. producer: id, epoch, first sequence."""
    records = b"".join(record(i, key, b"v%d" % (first + i)) for i in range(count))
    begin = time_ms + first
    body = struct.pack(">hiqqqhii", attributes, count - 1, begin, begin + count - 1, *producer, count) + records
    crc = (crc32c(body) + crc_off) & 0xFFFFFFFF
    return struct.pack(">qiibI", 0, len(body) + 9, -1, magic, crc) + body
