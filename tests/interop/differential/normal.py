"""Takes from an answer what two brokers may never have in common: ids, times, ports, texts. What is left has to be equal."""

import re
import time

from mutations import UNKNOWN_ID

DAY_MS = 86_400_000
FRESH = re.compile(r"\b(case|group|new)-\d+")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TEXTS = {"ErrorMessage", "Documentation"}


class Normal:
    """Of the answers of one peer to one API."""

    def __init__(self, peer, api):
        self.peer = peer
        self.api = api
        self.now = time.time() * 1000

    def value(self, name, value):
        if isinstance(value, dict):
            return {key: self.value(key, one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(name, one) for one in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self.number(name, value)
        if isinstance(value, str):
            return self.string(name, value)
        return self.bytes(name, value)

    def number(self, name, value):
        if name == "Port":
            return "<port>" if value > 0 else value
        if self.api == "DescribeQuorum" and name in ("HighWatermark", "LogEndOffset") and value > 0:
            return "<offset>"
        if name == "ProducerId" and value >= 0:
            return "<producer id>"
        if name == "SessionId" and value != 0:
            return "<session>"
        if name in ("PartitionSize", "TotalBytes", "UsableBytes") and value > 0:
            return "<bytes>"
        return "<now>" if abs(value - self.now) < DAY_MS else value

    def string(self, name, value):
        if name in TEXTS:
            return "<text>" if value else value
        if name == "ClusterId":
            return "<cluster>" if value == self.peer.refs["cluster", ""] else value
        if name == "LogDir":
            return "<folder>" if value else value
        if "/" not in value and (of := self.peer.name_of("member", value)):
            return FRESH.sub(r"<\1>", f"<member of {of}>")
        return UUID_TEXT.sub("<uuid>", FRESH.sub(r"<\1>", value))

    def bytes(self, name, value):
        if name == "Records":
            return "<no records>" if not value else (value[:12] + b"\0\0\0\0" + value[16:]).hex()
        if len(value) != 16:
            return value.hex()
        if not any(value):
            return "<no id>"
        if value == UNKNOWN_ID:
            return "<unknown id>"
        of = self.peer.name_of("topic-id", value)
        return FRESH.sub(r"<\1>", f"<id of {of}>") if of else "<an id>"
