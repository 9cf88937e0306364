"""What is tried with every client. Each function takes a Trial, returns a short remark, and raises Failed when the client cannot."""

from harness.checks import check
from harness.group import group
from harness.member import wait_until
from harness.records import check_records

RECORDS = 2000
PARTITIONS = 3
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
MIXED_RECORDS = 300
QUIET_S = 20


def create(trial):
    trial.client.do(trial.log("create"), "create", trial.bootstrap, trial.topic, 5)
    found = trial.partitions()
    check(found == 5, f"the topic has {found} partitions, not 5")
    return ""


def codec(trial, name):
    """What the client sends comes back to itself and to the helper."""
    trial.make_topic(PARTITIONS)
    lines = trial.produce(name, RECORDS, name)
    check_records(lines, trial.receive(RECORDS), trial.has_headers)
    check_records(lines, trial.receive(RECORDS, trial.helper, f"{trial.group}-helper"), trial.has_headers)
    return ""


def mixed(trial):
    """The client reads one topic that the helper wrote in every codec that the client has."""
    trial.make_topic(PARTITIONS)
    sender, trial.client = trial.client, trial.helper
    batches = [trial.produce(f"mixed-{name}", MIXED_RECORDS, name) for name in sender.codecs]
    trial.client = sender
    records = trial.receive(MIXED_RECORDS * len(batches))
    got = sorted((record.key, record.value) for record in records)
    check(got == sorted(line for lines in batches for line in lines), f"{len(got)} records came, or others than were sent")
    return ""


def resume(trial):
    """A group goes on behind what it has committed, and gets nothing at the end."""
    trial.make_topic(PARTITIONS)
    lines = trial.produce("resume", RECORDS)
    first = trial.receive(700)
    check(len(first) == 700, f"the first consumer printed {len(first)} records, not 700")
    committed = trial.committed(PARTITIONS)
    check(sum(committed.values()) == 700, f"after 700 records the commits are {committed}")
    second = trial.receive(RECORDS - 700)
    check_records(lines, first + second, "headers" not in trial.client.lacks)
    last = trial.consumer()
    wait_until(lambda: len(last.assigned) == PARTITIONS, [last], QUIET_S, lambda: f"assigned {sorted(last.assigned)}")
    extra = trial.produce("resume-more", 10)
    wait_until(lambda: len(last.records) >= 10, [last], QUIET_S, lambda: f"{len(last.records)} of 10 records")
    last.stop()
    got = sorted((record.key, record.value) for record in last.records)
    check(got == sorted(extra), f"the third consumer printed {len(got)} records, not the 10 new ones")
    return ""


def admin(trial):
    code, lines, said = trial.client.run(trial.log("admin"), "admin", trial.bootstrap, trial.topic)
    failed = [line for line in lines if line.startswith("failed ")]
    done = [line for line in lines if line.startswith("ok ")]
    check(not failed, f"{len(failed)} of {len(failed) + len(done)} calls: " + "; ".join(line[len("failed "):] for line in failed)[:1500])
    check(code == 0 and done, f"admin ended with {code}, {len(done)} calls made: {said[-400:]}")
    return f"{len(done)} calls"


def ability_of(name):
    """The function of a column."""
    if name in CODECS:
        return lambda trial: codec(trial, name)
    return {"create": create, "mixed": mixed, "group": group, "resume": resume, "admin": admin}[name]


ABILITIES = ["create", *CODECS, "mixed", "group", "resume", "admin"]
# The order of trying: what takes long begins first.
BY_LENGTH = ["group", "admin", "resume", *CODECS, "mixed", "create"]
