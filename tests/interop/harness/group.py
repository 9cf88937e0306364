"""A group of three that loses one member by its leaving and one by kill -9, while records keep coming."""

import threading
import time

from harness.checks import Failed, check
from harness.member import wait_until

PARTITIONS = 6
BATCH = 600
JOIN_S = 40
ARRIVE_S = 40
# Clients commit at least each second.
COMMIT_S = 1.5
SLOW_COMMIT_S = 6
COMMIT_GRACE_S = 8


def await_commits(trial, wanted, commit_s):
    """Clients commit after commit_s; a busy machine may need a little longer."""
    deadline = time.monotonic() + commit_s + COMMIT_GRACE_S
    while True:
        committed = trial.committed(PARTITIONS)
        if sum(committed.values()) >= wanted:
            return
        check(time.monotonic() < deadline, f"{commit_s + COMMIT_GRACE_S} s after {wanted} records only these were committed: {committed}")
        time.sleep(0.2)


class Delivery:
    """What the members have printed, by what was sent: all batches, in order."""

    def __init__(self, members):
        self.members = members
        self.sent = []

    def places(self):
        """{(key, value): places (partition, offset) and who printed, in no order}."""
        places = {}
        for member in self.members:
            for record in list(member.records):
                places.setdefault((record.key, record.value), []).append((record.partition, record.offset, member))
        return places

    def missing(self):
        places = self.places()
        return [line for line in self.sent if line not in places]


class Sender(threading.Thread):
    """Sends one batch while the test goes on."""

    def __init__(self, trial, name):
        super().__init__(daemon=True)
        self.trial, self.name, self.lines, self.failure = trial, name, [], None
        self.start()

    def run(self):
        try:
            self.lines = self.trial.produce(self.name, BATCH)
        except Failed as failure:
            self.failure = failure

    def result(self):
        self.join()
        if self.failure:
            raise self.failure
        return self.lines


def await_everything(delivery, running):
    wait_until(lambda: not delivery.missing(), running, ARRIVE_S,
               lambda: f"{len(delivery.missing())} of {len(delivery.sent)} records had not arrived")


def await_assignment(members):
    def is_spread():
        parts = [set(member.assigned) for member in members]
        return all(parts) and sum(map(len, parts)) == PARTITIONS and len(set().union(*parts)) == PARTITIONS

    wait_until(is_spread, members, JOIN_S, lambda: f"partitions were assigned as {[sorted(member.assigned) for member in members]}")


def check_deliveries(delivery, victim, committed):
    """Each record's place is one; only what the killed member printed at or behind the commit point came again, and all of that did."""
    sent = set(delivery.sent)
    orders = {}
    for line, places in delivery.places().items():
        check(line in sent, f"a record that nobody sent: {line!r:.300}")
        partition, offset, _ = places[0]
        check(all(place[:2] == (partition, offset) for place in places), f"one record at several places: {places}")
        orders.setdefault(partition, []).append((offset, line))
        is_committed = offset < committed[partition]
        survivors = [member for _, _, member in places if member is not victim]
        by_victim = len(places) - len(survivors)
        where = f"partition {partition} offset {offset}, committed {committed[partition]}"
        check(len(survivors) <= 1 and by_victim <= 1, f"came twice: {where}")
        check(not (is_committed and by_victim and survivors), f"came again although it was committed: {where}")
        check(is_committed or survivors, f"was lost with the killed member: {where}")
    numbers = {line: number for number, line in enumerate(delivery.sent)}
    for partition, order in orders.items():
        order.sort()
        check([offset for offset, _ in order] == list(range(len(order))), f"partition {partition} has gaps")
        sequence = [numbers[line] for _, line in order]
        check(sequence == sorted(sequence), f"partition {partition} is not in the order of sending")


def group(trial):
    trial.make_topic(PARTITIONS)
    members = [trial.consumer() for _ in range(3)]
    leaver, victim, last = members
    delivery = Delivery(members)
    commit_s = SLOW_COMMIT_S if "commit" in trial.client.lacks else COMMIT_S
    await_assignment(members)
    delivery.sent += trial.produce("first", BATCH)
    await_everything(delivery, members)

    if "leave" in trial.client.lacks:
        time.sleep(commit_s)
        leaver.stop()
    sender = Sender(trial, "second")
    if "leave" not in trial.client.lacks:
        wait_until(lambda: sum(len(member.records) for member in members) > BATCH, members, ARRIVE_S,
                   lambda: "nothing of the second batch came")
        leaver.stop()
    delivery.sent += sender.result()
    await_everything(delivery, members[1:])
    await_assignment(members[1:])
    await_commits(trial, 2 * BATCH, commit_s)

    printed = len(victim.records)
    sender = Sender(trial, "third")
    wait_until(lambda: len(victim.records) > printed, members[1:], ARRIVE_S, lambda: "nothing of the third batch came")
    victim.kill()
    committed = trial.committed(PARTITIONS)
    killed = time.monotonic()
    delivery.sent += sender.result()
    wait_until(lambda: len(last.assigned) == PARTITIONS, [last], ARRIVE_S, lambda: f"the last member has {sorted(last.assigned)}")
    recovered = time.monotonic() - killed
    await_everything(delivery, [last])
    # What the killed member had printed without committing has to come again, and nothing else.
    end = {}
    for places in delivery.places().values():
        end[places[0][0]] = max(end.get(places[0][0], 0), places[0][1] + 1)
    wait_until(lambda: has_all(last, leaver, committed, end), [last], ARRIVE_S, lambda: "what was not committed did not come again")
    last.stop()
    check_deliveries(delivery, victim, committed)
    return f"{recovered:.0f} s without the killed one"


def has_all(last, leaver, committed, end):
    """Whether the members that were not killed have printed everything from the commit points on."""
    have = {(record.partition, record.offset) for member in [last, leaver] for record in list(member.records)}
    return all((partition, offset) in have for partition, stop in end.items() for offset in range(committed[partition], stop))
