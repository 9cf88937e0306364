#!/usr/bin/env python3
"""Prints the field tables of Kafka's public message schemas in the form of our catalogue (server/kafka/wire/catalogue.h), to be
compared with it.

    schema_catalogue.py KAFKA_CLIENTS_JAR OURS

OURS is our catalogue as text: for each message that it names, in its order and for its versions, the fields are printed as the
jar's common/message/*.json have them.
"""

import json
import re
import sys
import zipfile

LINE_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.S)


def without_comments(text):
    return LINE_COMMENT.sub(lambda match: match.group(0) if match.group(0).startswith('"') else "", text)


def load(jar):
    messages = {}
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if name.startswith("common/message/") and name.endswith(".json"):
                message = json.loads(without_comments(archive.read(name).decode()))
                messages[message["name"]] = message
    return messages


def versions(text, first, last):
    """The part of a version range that lies in [first, last], or None."""
    if text is None or text == "none":
        return None
    if text.endswith("+"):
        low, high = int(text[:-1]), last
    elif "-" in text:
        low, high = map(int, text.split("-"))
    else:
        low = high = int(text)
    low, high = max(low, first), min(high, last)
    return (low, high) if low <= high else None


def printed(range_, last):
    if range_[1] >= last:
        return f"{range_[0]}+"
    return str(range_[0]) if range_[0] == range_[1] else f"{range_[0]}-{range_[1]}"


PRIMITIVES = {"bool", "int8", "int16", "uint16", "int32", "int64", "float64", "string", "bytes", "records", "uuid"}


def type_name(type_):
    if not type_.startswith("[]"):
        return type_ if type_ in PRIMITIVES else "struct"
    return f"array of {type_[2:]}" if type_[2:] in PRIMITIVES else "array"


def fields(message, list_, depth, first, last):
    common = {struct["name"]: struct["fields"] for struct in message.get("commonStructs", [])}
    for field in list_:
        range_ = versions(field["versions"], first, last)
        if range_ is None:
            continue
        line = f"{'  ' * depth}{field['name'][0].lower()}{field['name'][1:]} {type_name(field['type'])} {printed(range_, last)}"
        tagged_struct = "tag" in field and type_name(field["type"]) == "struct"
        nullable = versions(field.get("nullableVersions"), *range_)
        if nullable and not tagged_struct:
            line += f" nullable {printed(nullable, last)}"
        if "tag" in field:
            line += f" tag {field['tag']}"
        print(line)
        inner = field.get("fields") or common.get(field["type"].removeprefix("[]"), [])
        fields(message, inner, depth + 1, first, last)


def main():
    messages = load(sys.argv[1])
    header = re.compile(r"^(\d+) (\w+) versions (\d+)-(\d+)")
    for line in open(sys.argv[2], encoding="utf-8"):
        match = header.match(line)
        if not match:
            continue
        key, name, first, last = int(match[1]), match[2], int(match[3]), int(match[4])
        message = messages[name]
        assert message["apiKey"] == key, (name, key)
        flexible = message["flexibleVersions"]
        print(f"{key} {name} versions {first}-{last} flexible {'never' if flexible == 'none' else flexible}")
        fields(message, message["fields"], 1, first, last)


if __name__ == "__main__":
    main()
