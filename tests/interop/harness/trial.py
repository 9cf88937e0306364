"""One client tried on one broker."""

import json
import os
import time

from harness.checks import check, output
from harness.records import lines_of, write_lines

RECEIVE_S = 45
KNOWN_S = 10


class Trial:
    """What an ability needs: topics, files, consumers and the helper's answers, with names of its own and a folder for logs. Close it
    at the end: no consumer is left running."""

    def __init__(self, client, helper, bootstrap, ability, folder, token):
        """helper: the client that makes topics and answers questions."""
        self.client = client
        self.helper = helper
        self.bootstrap = bootstrap
        self.folder = folder
        self.topic = f"{client.name}-{ability}-{token}"
        self.group = f"{self.topic}-group"
        self.has_headers = "headers" not in client.lacks
        self.members = []
        self.logs = 0
        os.makedirs(folder, exist_ok=True)

    def close(self):
        for member in self.members:
            if member.process.poll() is None:
                member.kill()

    def log(self, what):
        self.logs += 1
        return os.path.join(self.folder, f"{self.logs:02}-{what}")

    def make_topic(self, partitions):
        """With so many partitions, all of them known to whoever asks from now on."""
        self.helper.do(self.log("make-topic"), "create", self.bootstrap, self.topic, partitions)
        deadline = time.monotonic() + KNOWN_S
        while self.partitions() != partitions:
            check(time.monotonic() < deadline, f"the broker does not list {self.topic} {KNOWN_S} s after making it")
            time.sleep(0.05)

    def partitions(self):
        """How many the broker says there are, asked by a program that took no part."""
        metadata = json.loads(output("kcat", "-b", self.bootstrap, "-L", "-J", "-t", self.topic, timeout=30))
        return len(metadata["topics"][0]["partitions"])

    def produce(self, name, count, codec="none"):
        """Sends count lines of that name; returns them."""
        lines = lines_of(name, count)
        path = os.path.join(self.folder, f"{name}.txt")
        write_lines(path, lines)
        said = self.client.do(self.log(f"produce-{name}"), "produce", self.bootstrap, self.topic, codec, path)
        check(said[-1:] == [f"acked {count}"], f"produce said {said[-1:]}, not that {count} were acked")
        return lines

    def consumer(self, count=0, client=None, group=None):
        """A consumer that runs: until it has count records, or until it is stopped."""
        client = client or self.client
        member = client.start(self.log(f"consume-{client.name}"), "consume", self.bootstrap, self.topic, group or self.group, count)
        self.members.append(member)
        return member

    def receive(self, count, client=None, group=None):
        """What a consumer of the group gets that leaves after count records."""
        member = self.consumer(count, client, group)
        member.finish(RECEIVE_S)
        return member.records

    def committed(self, partitions):
        """{partition: offset} of the group's commits, now."""
        lines = self.helper.do(self.log("committed"), "committed", self.bootstrap, self.topic, self.group, partitions)
        return dict(map(int, line.split("\t")) for line in lines)
