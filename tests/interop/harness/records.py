"""The records that clients send and what they have to print of them."""

import dataclasses
import random

from harness.checks import check

KEYS = 97
LONG_VALUE_CHARACTERS = 4000
ALPHABET = "abcdefghijklmnopqrstuvwxyz     äöüßéèçñøλжщ漢字🌱"


@dataclasses.dataclass(frozen=True)
class Record:
    """One line that a consumer printed."""
    partition: int
    offset: int
    key: str
    value: str
    line: str

    @staticmethod
    def parse(text):
        fields = text.split("\t")
        check(len(fields) == 5 and fields[0].isdigit() and fields[1].isdigit(), f"a consumer printed {text[:200]!r}")
        return Record(int(fields[0]), int(fields[1]), fields[2], fields[3], fields[4].removeprefix("line="))


def lines_of(name, count):
    """count pairs (key, value), all different, the same ones for a name whenever it is asked: short and long values, empty ones, and
    letters of several bytes."""
    chance = random.Random(name)
    lines = []
    for number in range(1, count + 1):
        if number % 101 == 0:
            lines.append((f"empty-{name}-{number}", ""))
            continue
        size = LONG_VALUE_CHARACTERS if number % 211 == 0 else chance.randrange(120)
        lines.append((f"ключ-{chance.randrange(KEYS)}", f"{name} {number} " + "".join(chance.choices(ALPHABET, k=size)) + "."))
    return lines


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        for key, value in lines:
            file.write(f"{key}\t{value}\n")


def check_records(lines, records, has_headers=True):
    """Every line exactly once; in each partition without a gap from offset 0, in the order of the lines; all of a key in one partition."""
    numbers = {line: number for number, line in enumerate(lines, 1)}
    seen = {}
    for record in records:
        number = numbers.get((record.key, record.value))
        check(number is not None, f"a record that nobody sent: {record!r:.300}")
        check(number not in seen, f"line {number} came twice: {seen.get(number)!r:.200} and {record!r:.200}")
        expected = str(number) if has_headers else "0"
        check(record.line == expected, f"line {number} has the header {record.line!r}, not {expected!r}")
        seen[number] = record
    missing = [number for number in range(1, len(lines) + 1) if number not in seen]
    check(not missing, f"{len(missing)} of {len(lines)} lines are missing, the first is line {missing[:1]}")
    check_order(seen)
    check_keys(seen.values())


def check_order(seen):
    """seen: {number of the line: record}."""
    ends = {}
    for number in sorted(seen):
        record = seen[number]
        expected = ends.get(record.partition, 0)
        check(record.offset == expected, f"partition {record.partition}: line {number} is at offset {record.offset}, not {expected}")
        ends[record.partition] = expected + 1


def check_keys(records):
    homes = {}
    for record in records:
        home = homes.setdefault(record.key, record.partition)
        check(home == record.partition, f"key {record.key} is in partitions {home} and {record.partition}")
