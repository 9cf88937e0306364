"""kcat as people use it: a listing, a real file in each codec, reading to the end, and a group of two of which one is killed."""

import json
import os
import subprocess
import time
import uuid

from harness.checks import check, output
from harness.client import Client
from harness.member import Member, wait_until
from harness.words import lines_by_key, words

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 4
SLICES = 36
SLICE_S = 0.25
# kcat commits every 5 s, whatever one sets: by then it has.
KILL_AT = 26
ARRIVE_S = 60


class KcatScenario:
    """On any broker; topics get names that are not there yet. folder: for logs."""

    def __init__(self, bootstrap, folder):
        self.bootstrap = bootstrap
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.helper = Client("librdkafka")
        self.helper.install()
        self.token = uuid.uuid4().hex[:6]
        self.path = words()
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            self.lines = file.read().split("\n")[:-1]

    def kcat(self, *arguments, **options):
        return output("kcat", "-b", self.bootstrap, *arguments, **options)

    def make_topic(self, name):
        topic = f"kcat-{name}-{self.token}"
        self.helper.do(os.path.join(self.folder, f"make-{name}"), "create", self.bootstrap, topic, PARTITIONS)
        return topic

    def run(self):
        """Returns a line on what was done."""
        topic = self.make_topic("words")
        self.check_listing(topic)
        for codec in CODECS:
            self.kcat("-P", "-q", "-E", "-t", topic, "-z", codec, "-K", "\t", "-l", self.path)
        read = self.kcat("-C", "-e", "-q", "-t", topic, "-f", "%k\t%s\n", encoding="utf-8", errors="surrogateescape").split("\n")[:-1]
        self.check_file(read)
        return f"{len(self.lines)} lines in {len(CODECS)} codecs; {self.group_of_two()}"

    def check_listing(self, topic):
        text = self.kcat("-L")
        check(f'topic "{topic}" with {PARTITIONS} partitions:' in text, f"-L does not list {topic}: {text[:500]}")
        listing = json.loads(self.kcat("-L", "-J"))
        check(len(listing["brokers"]) == 1 and listing["controllerid"] == listing["brokers"][0]["id"], f"-L -J: {str(listing)[:300]}")

    def check_file(self, read):
        wanted = self.lines * len(CODECS)
        check(len(read) == len(wanted) and sorted(read) == sorted(wanted), f"{len(read)} lines came back of {len(wanted)}, or others")
        got, sent = lines_by_key(read), lines_by_key(self.lines)
        for key, lines in sent.items():
            check(got[key] == lines * len(CODECS), f"the order of the lines of {key} changed")

    def group_of_two(self):
        """The file, sent in slices while two processes read; one is killed half way. What it had committed does not come again, what it
        had printed without committing does."""
        topic, group = self.make_topic("group"), f"kcat-group-{self.token}"
        client = Client("kcat")
        members = [Member(client.command("consume", self.bootstrap, topic, group, 0), os.path.join(self.folder, f"member-{i}"))
                   for i in range(2)]
        victim, survivor = members
        try:
            wait_until(lambda: len(victim.assigned) == len(survivor.assigned) == PARTITIONS // 2, members, ARRIVE_S,
                       lambda: f"assigned {victim.assigned} and {survivor.assigned}")
            committed = self.send_slices(topic, group, victim)
            end = self.end_of(topic)
            wait_until(lambda: self.has_all(survivor, victim, committed, end), [survivor], ARRIVE_S,
                       lambda: f"{len(survivor.records)} and {len(victim.records)} of {sum(end.values())} lines came")
            survivor.stop()
            return self.check_group(victim, survivor, committed, end)
        finally:
            for member in members:
                if member.process.poll() is None:
                    member.kill()

    def send_slices(self, topic, group, victim):
        """Returns the group's commits as they stood when the victim was dead."""
        committed = {}
        producer = subprocess.Popen(["kcat", "-P", "-q", "-E", "-b", self.bootstrap, "-t", topic, "-z", "lz4", "-K", "\t"],
                                    stdin=subprocess.PIPE, encoding="utf-8", errors="surrogateescape")
        size = len(self.lines) // SLICES + 1
        for number in range(SLICES):
            producer.stdin.write("".join(line + "\n" for line in self.lines[number * size:(number + 1) * size]))
            producer.stdin.flush()
            # The pace of the sender: both read, print and commit meanwhile.
            time.sleep(SLICE_S)
            if number == KILL_AT:
                victim.kill()
                said = self.helper.do(os.path.join(self.folder, "committed"), "committed", self.bootstrap, topic, group, PARTITIONS)
                committed = dict(map(int, line.split("\t")) for line in said)
        producer.stdin.close()
        check(producer.wait(ARRIVE_S) == 0, f"kcat -P ended with {producer.returncode}")
        return committed

    def end_of(self, topic):
        ends = {}
        for partition in range(PARTITIONS):
            said = self.kcat("-Q", "-t", f"{topic}:{partition}:-1")
            ends[partition] = int(said.rsplit(" ", 1)[1])
        check(sum(ends.values()) == len(self.lines), f"the topic ends at {ends}, {len(self.lines)} lines were sent")
        return ends

    @staticmethod
    def places(member):
        return [(record.partition, record.offset) for record in list(member.records)]

    def has_all(self, survivor, victim, committed, end):
        """Every line printed, and everything behind the commit points by the one that lives."""
        alive = set(self.places(survivor))
        return (len(alive.union(self.places(victim))) == sum(end.values())
                and all((p, o) in alive for p in end for o in range(committed[p], end[p])))

    def check_group(self, victim, survivor, committed, end):
        dead, alive = self.places(victim), self.places(survivor)
        check(len(dead) == len(set(dead)) and len(alive) == len(set(alive)), "a line came twice to one process")
        again = set(dead) & set(alive)
        check(all(offset >= committed[partition] for partition, offset in again), "a line came again that was committed")
        check(any(committed.values()), f"nothing was committed when the one was killed: {committed}")
        got = {(record.partition, record.offset): f"{record.key}\t{record.value}" for record in victim.records + survivor.records}
        # The members' lines were read with replacement characters for what is no UTF-8.
        wanted = [line.encode(errors="surrogateescape").decode(errors="replace") for line in self.lines]
        check(sorted(got.values()) == sorted(wanted), "other lines came than were sent")
        return f"a group of two, one killed after {len(dead)} lines: all {sum(end.values())} came, {len(again)} again, none that was committed"
