"""Makes odd requests of proper ones: every field of every API in turn, some fields together, and frames that are no messages."""

import copy
import dataclasses
import math
import random
import struct

from bases import BASES, Fresh
from batch import batch
from codec import Raw, Ref, unsigned_varint
from peer import CLIENT_ID, completed
from schema import holds

PAIRS_PER_BASE = 6
OTHER_VERSION_SHARE = 0.3  # of what is asked in the last version, so much is asked in another one, too
UNKNOWN_ID = bytes(range(1, 17))
INT_MAX = {"int8": 127, "int16": (1 << 15) - 1, "uint16": (1 << 16) - 1, "int32": (1 << 31) - 1, "uint32": (1 << 32) - 1,
           "int64": (1 << 63) - 1}
TOPIC_NAMES = ["", None, "unknown", "empty", "a b", "..", "x" * 249, "x" * 250, "__consumer_offsets"]
STRINGS = ["", None, "unknown", "a b!", "x" * 300, "é"]
CONFIGS = ["", None, "-1", "0", "-2", "abc", "9223372036854775808", " 5 ", "compact", "delete,compact", "delete,delete"]
CONFIG_NAMES = ["", None, "unknown", "cleanup.policy", "max.message.bytes", "compression.type", "min.insync.replicas",
                "segment.bytes", "message.timestamp.type"]


@dataclasses.dataclass
class Case:
    number: int
    api: str
    version: int
    label: str
    base: object
    value: dict | None = None       # the message; without it:
    spoil: object = None            # makes a body of the proper one
    client_id: str | None = CLIENT_ID
    key: str = ""                   # names it among all cases

    def __str__(self):
        return f"{self.api} v{self.version} {self.label}"


def odd_records():
    good = batch(3)
    return [b"", None, good[:-5], good + b"\0", good + batch(1), batch(3, crc_off=1), batch(3, magic=1), batch(3, magic=3), b"\xff" * 80,
            good[:30], struct.pack(">q", 77) + good[8:], good[:8] + struct.pack(">i", -1) + good[12:]]


def odd_values(field, value):
    """[(what it is, value)]"""
    if field.is_array:
        odd = [("empty", []), ("null", None)]
        if value:
            odd += [("doubled", [value[0], value[0]])] + ([("tripled", [value[0]] * 3)] if field.fields is None else [])
        if field.fields is None:
            odd += [(repr(one)[:30], [one]) for _, one in odd_single(field, None)]
        return odd
    if field.fields is not None:
        return [("null", None), ("defaults", {})]
    return odd_single(field, value)


def odd_single(field, value):
    if field.type in INT_MAX:
        top = INT_MAX[field.type]
        if field.type.startswith("u"):
            values = [0, 1, top]
        elif field.type == "int8" or field.name == "Timestamp":  # what has a meaning of its own for many values
            values = [0, 1, 2, 3, 4, 8, 16, 32, -1, -2, -3, -4, -5, -6, top, -top - 1]
        else:
            values = [0, 1, 2, -1, -2, top, -top - 1]
    elif field.type == "float64":
        values = [0.0, -1.0, 1e300, math.inf]
    elif field.type == "bool":
        values = [not value]
    elif field.type == "string":
        lower = field.name.lower()
        is_topic = "topic" in lower or (field.name == "Name" and value in ("plain", "empty") or str(value).startswith("case-"))
        values = (TOPIC_NAMES if is_topic else CONFIGS if field.name == "Value" else
                  CONFIG_NAMES if value in ("retention.ms", "cleanup.policy") else STRINGS)
    elif field.type == "uuid":
        values = [bytes(16), UNKNOWN_ID, Ref("topic-id", "empty")]
    elif field.type == "records":
        values = odd_records()
    else:
        values = [b"", None, b"\0" * 4, b"\xff" * 20]
    return [(shown(one), one) for one in values if one != value or isinstance(one, bool) != isinstance(value, bool)]


def shown(value):
    text = repr(value)
    return text if len(text) <= 24 else f"{text[:16]}… of {len(value) if hasattr(value, '__len__') else text}"


def places(fields, value, version, path=()):
    """Yields (path, field) of every field; of arrays the first element's."""
    for field in fields:
        if not holds(field.versions, version) or field.name not in value:
            continue
        here = (*path, field.name)
        yield here, field
        if field.fields is None or not value[field.name]:
            continue
        inner = value[field.name][0] if field.is_array else value[field.name]
        yield from places(field.fields, inner, version, (*here, 0) if field.is_array else here)


def at(value, path):
    for step in path:
        value = value[step]
    return value


def put(value, path, new):
    at(value, path[:-1])[path[-1]] = copy.deepcopy(new)


def path_text(path):
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def spoiled_bodies(is_flexible):
    """[(what it is, how a body becomes it)]"""
    rest = [("cut by a byte", lambda body: body[:-1]), ("cut in half", lambda body: body[:len(body) // 2]),
            ("empty", lambda body: b""), ("a byte more", lambda body: body + b"\0"), ("all ones", lambda body: b"\xff" * 16),
            ("all zeros", lambda body: bytes(64))]
    if is_flexible:
        rest.append(("an unknown tag", lambda body: body[:-1] + b"\x01\x63\x02ab" if body[-1:] == b"\0" else body))
    return rest


class Generator:
    """cases() of the APIs in served, {name: (first version, last version)}. Those of one base are the same for a seed, whatever
    others there are."""

    def __init__(self, messages, served, seed):
        self.messages = messages
        self.served = served
        self.seed = seed
        self.chance = None
        self.made = []
        self.names = {}

    def cases(self):
        bases = {}
        for base in BASES:
            bases[base.api] = bases.get(base.api, 0) + 1
            self.chance = random.Random(f"{self.seed} {base.api} {bases[base.api]}")
            if base.api in self.served:
                self.of_base(base)
        return self.made

    def add(self, base, version, label, change=None, **more):
        case = Case(len(self.made), base.api, version, label, base, **more)
        if case.spoil is None:
            fields = self.messages[base.api + "Request"].fields
            case.value = completed(fields, base.value(Fresh(case.number)), version)
            if change:
                change(case.value)
        self.names[str(case)] = self.names.get(str(case), 0) + 1
        case.key = f"{case} #{self.names[str(case)]}"
        self.made.append(case)

    def of_base(self, base):
        request = self.messages[base.api + "Request"]
        first, last = self.served[base.api]
        for version in range(first, last + 1):
            self.add(base, version, "proper")
        for version in self.also(first, last):
            self.of_fields(base, request, version, 1 if version == last else OTHER_VERSION_SHARE)
        version = last
        for _ in range(PAIRS_PER_BASE):
            self.pair(base, request, self.chance.randint(first, last))
        if base is not next(one for one in BASES if one.api == base.api):
            return
        for name, how in spoiled_bodies(request.is_flexible(version)):
            self.add(base, version, f"body: {name}", spoil=how)
        for field in request.fields:
            if field.is_array and holds(field.versions, version):
                for count in (-2, (1 << 31) - 1):
                    is_flexible = request.is_flexible(version)
                    raw = Raw(unsigned_varint((count + 1) % (1 << 32)) if is_flexible else struct.pack(">i", count))
                    self.add(base, version, f"{field.name}: {count} elements", lambda value, f=field, r=raw: put(value, (f.name,), r))
                break
        for name, client in (("null", None), ("empty", ""), ("long", "x" * 300)):
            self.add(base, version, f"client id: {name}", client_id=client)
        for unknown in (last + 1, first - 1, 0x7FFF, -1):
            self.add(base, unknown, "a version that is not served", spoil=lambda body: body)

    def also(self, first, last):
        """The last version, and another one."""
        yield last
        rest = list(range(first, last))
        yield from self.chance.sample(rest, min(len(rest), 1))

    def of_fields(self, base, request, version, share):
        sample = completed(request.fields, base.value(Fresh(0)), version)
        for path, field in places(request.fields, sample, version):
            for name, odd in odd_values(field, at(sample, path)):
                if self.chance.random() < share:
                    self.add(base, version, f"{path_text(path)}: {name}", self.setter(field, path, name, odd, version))

    def setter(self, field, path, name, odd, version):
        def change(value):
            if name == "doubled":
                put(value, path, [at(value, path)[0]] * 2)
            elif name == "defaults":
                put(value, path, completed(field.fields, {}, version))
            else:
                put(value, path, odd)

        return change

    def pair(self, base, request, version):
        sample = completed(request.fields, base.value(Fresh(0)), version)
        all_places = [(path, field) for path, field in places(request.fields, sample, version) if odd_values(field, at(sample, path))]
        if len(all_places) < 2:
            return
        # The deeper one first: the other may take it away.
        picked = sorted(self.chance.sample(all_places, 2), key=lambda place: -len(place[0]))
        changes, names = [], []
        for path, field in picked:
            name, odd = self.chance.choice(odd_values(field, at(sample, path)))
            changes.append(self.setter(field, path, name, odd, version))
            names.append(f"{path_text(path)}: {name}")
        self.add(base, version, " and ".join(names), lambda value: [change(value) for change in changes])
