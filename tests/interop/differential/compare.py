"""Two answers, field by field."""

import dataclasses

# Fields that say what an element of a list is about: elements are compared by them, in whatever order they come.
IDENTITIES = ["ApiKey", "ResourceType", "ResourceName", "GroupId", "Key", "Name", "ConfigName", "Topic", "TopicName", "TopicId",
              "PartitionIndex", "Partition", "PartitionId", "Index", "NodeId", "BrokerId", "ReplicaId", "MemberId", "Feature",
              "TransactionalId", "LogDir", "Source"]
ABSENT = "absent"


@dataclasses.dataclass
class Difference:
    case: object
    engine: str
    api: str     # of the answer: the case's, or that of what is asked afterwards
    field: str   # "Topics[].ErrorCode"; "(answer)": how it was answered at all
    where: str   # with the elements' names
    kafka: str
    ours: str

    def __str__(self):
        return f"{self.api} {self.field}: kafka {self.kafka}, ours {self.ours}  [{self.engine}; {self.case}; {self.where}]"


def text_of(value):
    if isinstance(value, str):
        return value if len(value) <= 200 else value[:200] + "…"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} {text_of(one)}" for key, one in value.items())[:300] + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value))[:300] + "]"
    return {None: "null", True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, int) or isinstance(
        value, bool) else str(value)


def identity_of(element, taken):
    """Its name in its list; taken counts those that have had it."""
    if isinstance(element, dict):
        has_name = any(element.get(field) for field in ("Name", "Topic", "TopicName"))
        name = ",".join(text_of(element[field]) for field in IDENTITIES if field in element and not (has_name and field == "TopicId"))
    else:
        name = text_of(element)
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name} (again {taken[name]})"


def by_identity(elements):
    taken = {}
    return {identity_of(element, taken): element for element in elements}


def differences(kafka, ours, field="", where=""):
    """Yields (field, where, kafka's, ours)."""
    if isinstance(kafka, dict) and isinstance(ours, dict):
        for name in {**kafka, **ours}:
            inner = f"{field}.{name}" if field else name
            yield from differences(kafka.get(name, ABSENT), ours.get(name, ABSENT), inner, f"{where}.{name}" if where else name)
    elif isinstance(kafka, list) and isinstance(ours, list) and bool(kafka) == bool(ours):
        left, right = by_identity(kafka), by_identity(ours)
        for name in {**left, **right}:
            yield from differences(left.get(name, ABSENT), right.get(name, ABSENT), f"{field}[]", f"{where}[{name}]")
    elif kafka != ours or isinstance(kafka, bool) != isinstance(ours, bool):
        yield field, where, text_of(kafka), text_of(ours)


def is_server_error(value):
    """Whether something in the answer failed in a way that the broker had not foreseen (UNKNOWN_SERVER_ERROR)."""
    if isinstance(value, list):
        return any(map(is_server_error, value))
    return isinstance(value, dict) and (value.get("ErrorCode") == -1 or any(map(is_server_error, value.values())))


def kind_of(answer):
    if not isinstance(answer, dict):
        return answer
    return "server error" if is_server_error(answer) else "answered"


def of_answers(case, engine, api, kafka, ours):
    """The Differences of two normalised answers, each a message or a word on how there was none."""
    left, right = kind_of(kafka), kind_of(ours)
    if left == right == "answered":
        return [Difference(case, engine, api, *found) for found in differences(kafka, ours)]
    if left == right:
        return []
    return [Difference(case, engine, api, "(answer)", "", left, right)]
