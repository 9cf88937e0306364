"""Kafka's public message schemas: the common/message/*.json of a jar of kafka-clients."""

import dataclasses
import json
import re
import zipfile

COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.S)
NEVER = (1, 0)
EVER = 1 << 15
PLAIN_DEFAULTS = {"bool": False, "float64": 0.0, "string": "", "bytes": b"", "records": b"", "uuid": bytes(16)}


def versions_of(text):
    """(first, last) of "3", "0-7", "4+" or "none"; empty, as NEVER is, when there are none."""
    if text is None or text == "none":
        return NEVER
    if text.endswith("+"):
        return int(text[:-1]), EVER
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def holds(versions, version):
    return versions[0] <= version <= versions[1]


@dataclasses.dataclass
class Field:
    name: str
    type: str  # of one element, where the field is an array
    is_array: bool
    versions: tuple
    nullable: tuple
    tagged: tuple
    tag: int | None
    flexible: tuple | None  # None: as the message
    default: object
    is_key: bool
    fields: list | None  # of a struct

    def empty(self, version):
        """The default, as a value."""
        if self.default == "null":
            return None
        if self.is_array:
            return []
        if self.fields is not None:
            return {field.name: field.empty(version) for field in self.fields if holds(field.versions, version)}
        if self.type in PLAIN_DEFAULTS:
            if self.default is None:
                return PLAIN_DEFAULTS[self.type]
            return str(self.default).lower() == "true" if self.type == "bool" else self.default
        return int(str(self.default or 0), 0)


@dataclasses.dataclass
class Message:
    name: str
    key: int | None
    versions: tuple
    flexible: tuple
    fields: list

    def is_flexible(self, version):
        return holds(self.flexible, version)


def field_of(about, structs):
    name = about["type"]
    is_array = name.startswith("[]")
    name = name.removeprefix("[]")
    inner = about.get("fields") or structs.get(name)
    versions = versions_of(about["versions"])
    return Field(about["name"], name, is_array, versions, versions_of(about.get("nullableVersions")),
                 versions_of(about.get("taggedVersions")), about.get("tag"),
                 versions_of(about["flexibleVersions"]) if "flexibleVersions" in about else None, about.get("default"),
                 about.get("mapKey", False), [field_of(field, structs) for field in inner] if inner else None)


def load(jar):
    """{name: Message}"""
    messages = {}
    with zipfile.ZipFile(jar) as archive:
        for path in archive.namelist():
            if not re.fullmatch(r"common/message/\w+\.json", path):
                continue
            text = archive.read(path).decode()
            about = json.loads(COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else "", text))
            if about["type"] not in ("request", "response") or about["validVersions"] == "none":
                continue
            structs = {struct["name"]: struct["fields"] for struct in about.get("commonStructs", [])}
            messages[about["name"]] = Message(about["name"], about.get("apiKey"), versions_of(about["validVersions"]),
                                              versions_of(about["flexibleVersions"]),
                                              [field_of(field, structs) for field in about["fields"]])
    return messages
