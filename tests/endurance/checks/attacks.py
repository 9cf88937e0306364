"""One client tries to take the broker's memory or its loop, in every way that is known; a bystander must hardly notice."""

import multiprocessing
import os
import threading
import time
import urllib.request
from dataclasses import dataclass, field

from harness.checks import Failed, check
from harness.places import ROOT
from kit import hostile
from kit.batch import batch_of
from kit.bystander import Bystander, p99
from kit.setting import check_log, note
from kit.watch import MemorySamples, resident_bytes
from kit.wire import KafkaConnection

QUIET_S = 3
ATTACK_S = 90
SETTLE_S = 3
# What a bystander may notice: five times its quiet p99, or this.
P99_S = 0.050
# And the longest of all: while a bystander waits it asks nothing, so that a long stop alone hardly shows in the p99.
LONGEST_S = 1.0
# What the broker may take beyond what it had, and what it may keep when the attack is over.
GROWTH_MAX = 640 << 20
KEPT_MAX = 160 << 20
LOG_BYTES_MAX = 256 << 10
LARGE_ANSWER_S = 5


@dataclass
class Scene:
    """A broker and what an attack needs to know of it. Goes to the process of the attack."""

    setting: object = field(repr=False)
    broker: object = field(repr=False)

    def __post_init__(self):
        self.kafka, self.rpc, self.http = self.broker.kafka, self.broker.address, self.broker.http
        self.schema = os.path.join(ROOT, "schema", "cambium.capnp")

    def create(self, topic, partitions, **configs):
        self.setting.create(self.broker, topic, partitions, **configs)

    def fill(self, topic, size):
        connection = KafkaConnection(self.kafka)
        identity = connection.producer_id()
        for sequence in range(size // (512 << 10)):
            code, _, said = connection.produce(topic, 0, batch_of([(None, os.urandom(512 << 10))], *identity, sequence))
            check(code == 0, f"filling {topic}: error {code} {said}")
        connection.close()


class Probe(threading.Thread):
    """Asks something once a second while an attack is under way; keeps what was wrong."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask, self.wrong, self.asked, self.halt = ask, [], 0, threading.Event()
        self.start()

    def run(self):
        while not self.halt.wait(1):
            begun = time.monotonic()
            try:
                self.asked += 1
                self.ask()
                if time.monotonic() - begun > LARGE_ANSWER_S:
                    raise Failed(f"took {time.monotonic() - begun:.1f} s")
            except Exception as failure:
                self.wrong.append(f"{failure!r:.200}")

    def stop(self):
        self.halt.set()
        self.join(LARGE_ANSWER_S)
        if self.is_alive():
            self.wrong.append("no answer")
        return self.wrong


def large_produce(scene):
    """A request of 2 MiB is served."""
    connection = KafkaConnection(scene.kafka)
    connection.socket.settimeout(LARGE_ANSWER_S)
    code, _, said = connection.produce("wide", 0, batch_of([(None, bytes(2 << 20))], -1, -1, -1))
    connection.close()
    check(code == 0, f"a request of 2 MiB: error {code} {said}")


def health(scene):
    said = urllib.request.urlopen(f"http://{scene.http}/healthz", timeout=LARGE_ANSWER_S).status
    check(said == 200, f"/healthz says {said}")


def prepare_wide(scene):
    scene.create("wide", 1, max_message_bytes=8 << 20)


@dataclass
class Attack:
    name: str
    run: object
    prepare: object = None
    probe: object = None


ATTACKS = [
    Attack("A1 one group named 1,000 times", hostile.group_named_often, hostile.prepare_answers),
    Attack("A3 answers that nobody reads", hostile.answers_untaken, hostile.prepare_records),
    Attack("A4 small requests without end, Kafka", hostile.small_requests),
    Attack("A4 small requests, 50 connections", hostile.many_small_requests),
    Attack("A4 metadata of all without end", hostile.small_metadata, hostile.prepare_topics),
    Attack("A4 small calls without end, RPC", hostile.small_calls),
    Attack("A5 calls never finished", hostile.calls_kept),
    Attack("A6 large frames that trickle", hostile.claims, prepare_wide, large_produce),
    Attack("A7 idle connections", hostile.idle_connections),
    Attack("A8 batches that inflate", hostile.inflating, hostile.prepare_compacted),
    Attack("A9 ListOffsets", hostile.list_offsets_often, hostile.prepare_records),
    Attack("A9 Fetch", hostile.fetch_often, hostile.prepare_records),
    Attack("A9 DescribeProducers", hostile.producers_often, hostile.prepare_records),
    Attack("A9 OffsetForLeaderEpoch", hostile.epochs_often, hostile.prepare_records),
    Attack("A10 topics by wish", hostile.topics_by_wish),
    Attack("A13 malformed frames", hostile.malformed_frames),
    Attack("A14 slow HTTP headers", hostile.slow_headers, None, health),
]


def _run_attack(attack, scene, pipe):
    try:
        pipe.send(attack.run(scene))
    except Exception as failure:
        pipe.send(f"ended by {failure!r}")


def under_attack(attack, scene):
    """(begin, end, what the attack said): it ends by itself or is ended."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_run_attack, args=(attack, scene, there), daemon=True)
    begun = time.monotonic()
    process.start()
    said = here.recv() if here.poll(ATTACK_S) else f"still at it after {ATTACK_S} s"
    process.kill()
    process.join()
    return begun, time.monotonic(), said


def one(attack, setting, broker):
    """A line of the table, and what is wrong with it."""
    scene = Scene(setting, broker)
    scene.create("bystanders", 1)
    if attack.prepare:
        attack.prepare(scene)
    bystander = Bystander(scene.kafka, "bystanders")
    try:
        time.sleep(QUIET_S)
        quiet, failures = bystander.report(time.monotonic() - QUIET_S + 1, time.monotonic())
        check(not failures and quiet, f"the bystander fails before the attack: {failures[:2]}")
        before, log_before = resident_bytes(broker.process.pid), len(broker.everything_said())
        memory, probe = MemorySamples(broker.process.pid), Probe(lambda: attack.probe(scene)) if attack.probe else None
        begun, ended, said = under_attack(attack, scene)
        wrong = [f"meanwhile: {text}" for text in probe.stop()[:2]] if probe else []
        time.sleep(SETTLE_S)
        during, failures = bystander.report(begun, ended)
        peak, kept = max(memory.stop() + [before]) - before, resident_bytes(broker.process.pid) - before
    finally:
        bystander.close()
    logged = len(broker.everything_said()) - log_before
    worst = during[0] if during else ATTACK_S
    wrong += [f"the bystander: {failures[0]}"] if failures else []
    if p99(during) > max(5 * p99(quiet), P99_S):
        wrong.append(f"p99 of the bystander {p99(during) * 1000:.0f} ms")
    if worst > LONGEST_S:
        wrong.append(f"longest of the bystander {worst * 1000:.0f} ms")
    for what, value, limit in [("memory", peak, GROWTH_MAX), ("memory kept", kept, KEPT_MAX), ("log", logged, LOG_BYTES_MAX)]:
        if value > limit:
            wrong.append(f"{what} {value >> 20} MiB")
    line = (f"{attack.name:38} memory +{peak >> 20} MiB, kept {kept >> 20}; bystander p99 {p99(quiet) * 1000:.1f} -> "
            f"{p99(during) * 1000:.1f} ms, longest {worst * 1000:.0f}; log {logged >> 10} KiB; {said}")
    return line, wrong


def attacks(setting):
    names = [name.lower() for name in setting.options.attacks.split(",") if name]
    chosen = [attack for attack in ATTACKS if not names or attack.name.split()[0].lower() in names]
    check(chosen, f"--attacks: there are {', '.join(sorted({attack.name.split()[0] for attack in ATTACKS}))}")
    faults = []
    for place, attack in enumerate(chosen):
        broker = setting.broker(data_dir=setting.path(f"data-{place}"))
        line, wrong = one(attack, setting, broker)
        note("")
        print(f"        {line}" + "".join(f"\n            WRONG: {text}" for text in wrong), flush=True)
        faults += [f"{attack.name}: {text}" for text in wrong]
        broker.kill() if wrong else broker.stop()
        if not setting.options.only_measure:
            check_log(broker)
    if setting.options.only_measure:
        return f"{len(chosen)} attacks measured, {len(faults)} things wrong"
    check(not faults, f"{len(faults)} things wrong: {faults[:3]}")
    return f"{len(chosen)} attacks, none noticed by a bystander"
