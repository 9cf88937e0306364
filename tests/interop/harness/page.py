"""docs/compatibility.md, as a whole run finds it. Nothing in it changes from run to run while the results stay."""

import os
import re

from harness.abilities import ABILITIES
from harness.places import PAGE

HEAD = """# Clients that work

`make interop` writes this page: it starts a broker per storage engine, lets each client below do what the columns say, and notes how it ended. The
clients are unchanged releases; their programs, a page or two each, lie in `tests/interop/clients/`.

| column | what the client does |
|---|---|
| create | makes a topic through its admin calls; another program counts the partitions |
| none, gzip, snappy, lz4, zstd | sends 2,000 records with keys, values and headers, with `acks=all`, idempotent where it can, compressed so; it and librdkafka read them back in a group: each exactly once, in order in each partition |
| mixed | reads one topic that librdkafka has written in every one of these codecs |
| group | three members share six partitions; one leaves, one is killed with `kill -9`, while records keep coming: everything arrives, and only what the killed member had not committed comes twice |
| resume | a second consumer of a group goes on where the first has committed, a third gets only what is new |
| admin | every admin call it has that one broker can answer, and whether it had its effect; the number counts them |

`–` stands for what a client cannot do with any broker.
"""

TOOLS_HEAD = """## Tools

Programs that run beside a cluster, each on both engines: every call is checked, what it prints or what it has done. The number counts the calls.

| tool | on native | on rocksdb |
|---|---|---|"""

NOT_TRIED = """
Not tried: kcl, kafkactl, topicctl, kminion and Burrow are programs in Go that the Go module proxy did not serve where this page was made; Karapace
has no release on the Python package index.
"""


class Tools:
    """How tools did: a row for each, a cell per engine."""

    def __init__(self):
        self.rows = {}

    def put(self, title, engine, cell):
        self.rows.setdefault(title, {})[engine] = cell

    def put_calls(self, said, engine):
        """said: the lines of kafka_tools.py, "ok CLASS …" or "failed CLASS …"; each class is a tool."""
        for class_name in dict.fromkeys(re.findall(r"^(?:ok|failed) (\w+)", said, re.M)):
            good = len(re.findall(rf"^ok {class_name}\b", said, re.M))
            bad = re.findall(rf"^failed {class_name}\b ?(.*)$", said, re.M)
            title = "kafka-" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", class_name.removesuffix("Command")).lower()
            cell = f"ok, {good} calls" if not bad else f"**{len(bad)} of {good + len(bad)} calls failed**: {bad[0][:200].replace('|', '/')}"
            self.put(title, engine, cell)

    def text(self):
        rows = [f"| {title} | {cells.get('native', '–')} | {cells.get('rocksdb', '–')} |" for title, cells in sorted(self.rows.items())]
        return "\n".join([TOOLS_HEAD, *rows, NOT_TRIED])


def sign(ability, cell, notes):
    if cell.status == "ok":
        return f"ok, {cell.reason}" if ability == "admin" else "ok"
    if cell.status == "lacks":
        return "–"
    notes.append(cell.reason)
    return f"**{cell.status}** [{len(notes)}]"


def text_of(table, tools):
    parts = [HEAD]
    notes = []
    for engine in table.engines:
        parts.append(f"## On the {engine} engine\n")
        rows = ["| client | " + " | ".join(ABILITIES) + " |", "|---|" + "---|" * len(ABILITIES)]
        for client in table.clients:
            signs = [sign(ability, table.cell(engine, client, ability), notes) for ability in ABILITIES]
            rows.append(f"| {client.title} | " + " | ".join(signs) + " |")
        parts.append("\n".join(rows) + "\n")
    if notes:
        parts.append("\n".join(f"{number}. {note.replace('|', '/')}" for number, note in enumerate(notes, 1)) + "\n")
    parts.append(tools.text())
    lacking = [f"- {client.title}, {what}: {why}" for client in table.clients for what, why in client.lacks.items()]
    if lacking:
        parts.append("## What clients lack\n\n" + "\n".join(lacking) + "\n")
    return "\n".join(parts)


def write_page(table, tools):
    os.makedirs(os.path.dirname(PAGE), exist_ok=True)
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(text_of(table, tools))
