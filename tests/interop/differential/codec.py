"""Writes and reads any message of schema.py. It writes what no proper client would: null where the schema forbids it, and Raw bytes."""

import dataclasses
import struct

from schema import holds

NUMBERS = {"int8": ">b", "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}


@dataclasses.dataclass(frozen=True)
class Raw:
    """Bytes that stand in a message in the place of a field."""
    data: bytes


@dataclasses.dataclass(frozen=True)
class Ref:
    """What every broker calls by a name of its own: "topic-id", "member", "cluster", "session" or "producer" of something."""
    kind: str
    of: str = ""


class Unreadable(Exception):
    pass


def unsigned_varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# --- Writing ----------------------------------------------------------------------------------------------------------------


class Writer:
    """resolve gives the value of a Ref."""

    def __init__(self, message, version, resolve):
        self.version = version
        self.is_flexible = message.is_flexible(version)
        self.message = message
        self.resolve = resolve

    def write(self, value):
        return self.fields(self.message.fields, value)

    def length(self, count, is_flexible, plain):
        """Of count elements or bytes; -1: null."""
        return unsigned_varint(count + 1) if is_flexible else struct.pack(plain, count)

    def fields(self, fields, value):
        out = bytearray()
        tags = {}
        for field in fields:
            if not holds(field.versions, self.version):
                continue
            inner = value[field.name]
            if holds(field.tagged, self.version):
                if inner != field.empty(self.version):
                    tags[field.tag] = self.field(field, inner, is_tag=True)
            else:
                out += self.field(field, inner)
        if self.is_flexible:
            tags.update(value.get("?tags", {}))
            out += unsigned_varint(len(tags))
            for tag in sorted(tags):
                out += unsigned_varint(tag) + unsigned_varint(len(tags[tag])) + tags[tag]
        return bytes(out)

    def field(self, field, value, is_tag=False):
        if isinstance(value, Ref):
            value = self.resolve(value)
        if isinstance(value, Raw):
            return value.data
        if not field.is_array:
            return self.single(field, value, is_tag)
        if value is None:
            return self.length(-1, self.is_flexible, ">i")
        return self.length(len(value), self.is_flexible, ">i") + b"".join(self.single(field, one) for one in value)

    def single(self, field, value, is_tag=False):
        if isinstance(value, Ref):
            value = self.resolve(value)
        if isinstance(value, Raw):
            return value.data
        is_flexible = self.is_flexible if field.flexible is None else holds(field.flexible, self.version)
        if field.fields is not None:
            return self.struct(field, value, is_tag)
        if field.type in NUMBERS:
            return struct.pack(NUMBERS[field.type], value)
        if field.type == "bool":
            return bytes([value])
        if field.type == "uuid":
            return value
        plain = ">h" if field.type == "string" else ">i"
        if value is None:
            return self.length(-1, is_flexible, plain)
        data = value.encode() if isinstance(value, str) else value
        if plain == ">h" and not is_flexible and len(data) > 0x7FFF:
            data = data[:0x7FFF]
        return self.length(len(data), is_flexible, plain) + data

    def struct(self, field, value, is_tag):
        is_nullable = not field.is_array and holds(field.nullable, self.version)
        if value is None:
            return b"\xff"
        return (b"\x01" if is_nullable and not is_tag else b"") + self.fields(field.fields, value)


# --- Reading ----------------------------------------------------------------------------------------------------------------


class Reader:
    """read() gives {field: value}; Unreadable when the bytes are no such message, or when some are left over."""

    def __init__(self, message, version, data):
        self.message = message
        self.version = version
        self.is_flexible = message.is_flexible(version)
        self.data = data
        self.at = 0

    def read(self):
        value = self.fields(self.message.fields)
        if self.at != len(self.data):
            raise Unreadable(f"{len(self.data) - self.at} bytes are left over")
        return value

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Unreadable(f"{count} bytes at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def unsigned_varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def length(self, is_flexible, plain):
        if is_flexible:
            return self.unsigned_varint() - 1
        return struct.unpack(plain, self.take(struct.calcsize(plain)))[0]

    def fields(self, fields):
        value = {}
        for field in fields:
            if holds(field.versions, self.version):
                is_tagged = holds(field.tagged, self.version)
                value[field.name] = field.empty(self.version) if is_tagged else self.field(field)
        if self.is_flexible:
            tagged = {field.tag: field for field in fields if holds(field.tagged, self.version)}
            for _ in range(self.unsigned_varint()):
                tag, size = self.unsigned_varint(), self.unsigned_varint()
                end = self.at + size
                if tag in tagged:
                    value[tagged[tag].name] = self.field(tagged[tag], is_tag=True)
                else:
                    value[f"?tag {tag}"] = self.take(size)
                if self.at != end:
                    raise Unreadable(f"tag {tag} ends at {self.at}, not at {end}")
        return value

    def field(self, field, is_tag=False):
        if not field.is_array:
            return self.single(field, is_tag)
        count = self.length(self.is_flexible, ">i")
        return None if count < 0 else [self.single(field) for _ in range(count)]

    def single(self, field, is_tag=False):
        is_flexible = self.is_flexible if field.flexible is None else holds(field.flexible, self.version)
        if field.fields is not None:
            if not field.is_array and holds(field.nullable, self.version) and not is_tag and self.take(1)[0] >= 0x80:
                return None
            return self.fields(field.fields)
        if field.type in NUMBERS:
            form = NUMBERS[field.type]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        if field.type == "bool":
            return self.take(1) != b"\0"
        if field.type == "uuid":
            return bytes(self.take(16))
        size = self.length(is_flexible, ">h" if field.type == "string" else ">i")
        if size < 0:
            return None
        data = bytes(self.take(size))
        return data.decode(errors="replace") if field.type == "string" else data
