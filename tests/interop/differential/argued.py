"""differences.toml: where Cambium answers other than Kafka, and why. Its form is in the README beside this."""

import re
import tomllib

KEYS = {"api", "field", "where", "kafka", "ours", "case", "versions", "engine"}


class Entry:
    """One condition of a reason: patterns that have to match as a whole, but for "case", which is looked for."""

    def __init__(self, reason, about):
        unknown = set(about) - KEYS
        if unknown:
            raise ValueError(f"differences.toml, {reason}: unknown {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}")
        self.reason = reason
        self.about = about
        self.versions = tuple(map(int, about["versions"].split("-"))) if "versions" in about else None
        self.patterns = {key: re.compile(value, re.S) for key, value in about.items() if key != "versions"}
        self.count = 0

    def matches(self, difference):
        if self.versions and not self.versions[0] <= difference.case.version <= self.versions[-1]:
            return False
        for key, pattern in self.patterns.items():
            if key == "case":
                if not pattern.search(str(difference.case)):
                    return False
            elif not pattern.fullmatch(getattr(difference, key)):
                return False
        return True

    def __str__(self):
        return f"{self.reason}: {self.about}"


class Argued:
    def __init__(self, path):
        with open(path, "rb") as file:
            reasons = tomllib.load(file)["reason"]
        self.names = [reason["name"] for reason in reasons]
        for reason in reasons:
            if not reason["why"].strip() or not reason["differs"]:
                raise ValueError(f"differences.toml: {reason['name']} needs why and differs")
        self.entries = [Entry(reason["name"], about) for reason in reasons for about in reason["differs"]]

    def take(self, difference):
        """Whether some entry argues it. The first one counts it."""
        for entry in self.entries:
            if entry.matches(difference):
                entry.count += 1
                return True
        return False

    def unused(self):
        return [entry for entry in self.entries if entry.count == 0]

    def counts(self):
        """{reason: differences}"""
        counts = dict.fromkeys(self.names, 0)
        for entry in self.entries:
            counts[entry.reason] += entry.count
        return counts
