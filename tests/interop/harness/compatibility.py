"""Runs every client against every engine and fills the table."""

import concurrent.futures
import contextlib
import os
import shutil
import threading
import time
import uuid

from harness.abilities import ABILITIES, BY_LENGTH, CODECS, ability_of
from harness.broker import broker_of
from harness.checks import Failed
from harness.client import Client
from harness.places import SCRATCH
from harness.table import Cell, Table
from harness.trial import Trial

# Groups wait more than they work, so more than there are cores.
TRIALS_AT_ONCE = 5
INSTALLS_AT_ONCE = 3
HELPER = "librdkafka"
BROKER_FLAGS = ["--group_initial_rebalance_delay_ms=100"]


class Compatibility:
    def __init__(self, clients, is_everything_needed):
        """is_everything_needed: a client whose programs are missing fails instead of being left out."""
        self.clients = clients
        self.helper = Client(HELPER)
        self.is_everything_needed = is_everything_needed
        self.logs = os.path.join(SCRATCH, "logs")
        self.token = uuid.uuid4().hex[:6]
        self.unusable = {}
        self.lock = threading.Lock()
        self.done = 0

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    # --- Installing ---------------------------------------------------------------------------------------------------------

    def install(self):
        """Every client that can be; unusable then holds a Cell for each that cannot."""
        begun = time.monotonic()
        everyone = {client.name: client for client in [*self.clients, self.helper]}
        with concurrent.futures.ThreadPoolExecutor(INSTALLS_AT_ONCE) as pool:
            list(pool.map(self.install_one, everyone.values()))
        self.say(f"{len(everyone) - len(self.unusable)} of {len(everyone)} clients installed, {time.monotonic() - begun:.1f} s")
        if HELPER in self.unusable:
            raise Failed(f"{HELPER} is needed: {self.unusable[HELPER].reason}")

    def install_one(self, client):
        missing = client.missing_programs()
        if missing:
            status = "failed" if self.is_everything_needed else "not run"
            self.unusable[client.name] = Cell(status, f"no {', '.join(missing)} on this machine")
        else:
            try:
                client.install()
                return
            except Exception as error:
                self.unusable[client.name] = Cell("failed", f"install: {error}")
        self.say(f"  {client.name}: {self.unusable[client.name].reason}")

    # --- Trying -------------------------------------------------------------------------------------------------------------

    def run(self, places):
        """places: {engine: bootstrap address}. Returns the table."""
        shutil.rmtree(self.logs, ignore_errors=True)
        table = Table(list(places), self.clients)
        jobs = []
        for ability in BY_LENGTH:
            for client in self.clients:
                for engine in places:
                    cell = self.known(client, ability)
                    if cell:
                        table.put(engine, client, ability, cell)
                    else:
                        jobs.append((engine, client, ability))
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(TRIALS_AT_ONCE) as pool:
            for job in [pool.submit(self.attempt, table, places[engine], engine, client, ability, len(jobs))
                        for engine, client, ability in jobs]:
                job.result()
        self.say(f"{len(jobs)} trials, {time.monotonic() - begun:.0f} s")
        return table

    def known(self, client, ability):
        """The cell that needs no trial, or None."""
        if client.name in self.unusable:
            return self.unusable[client.name]
        if ability in client.lacks:
            return Cell("lacks", client.lacks[ability])
        if ability in CODECS and ability not in client.codecs:
            return Cell("lacks", client.lacks.get(ability, "it does not have this codec"))
        return None

    def attempt(self, table, bootstrap, engine, client, ability, total):
        folder = os.path.join(self.logs, engine, client.name, ability)
        begun = time.monotonic()
        trial = Trial(client, self.helper, bootstrap, ability, folder, self.token)
        try:
            cell = Cell("ok", ability_of(ability)(trial))
        except Exception as error:  # a defect of the harness is a cell as well, never a table that is not there
            said = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            cell = Cell("failed", " ".join(said.split()), folder)
        finally:
            trial.close()
        if cell.status == "ok":
            shutil.rmtree(folder)
        table.put(engine, client, ability, cell)
        with self.lock:
            self.done += 1
            took = time.monotonic() - begun
            print(f"[{self.done:>3}/{total}] {engine:8} {client.name:16} {ability:7} {cell.status} ({took:.1f} s) {cell.reason}".rstrip(),
                  flush=True)


@contextlib.contextmanager
def brokers(build, engines):
    """A broker per engine: {engine: bootstrap}. Failed at the end when one of them does not stop cleanly."""
    with contextlib.ExitStack() as stack:
        running = {engine: stack.enter_context(broker_of(build, engine, BROKER_FLAGS))[0] for engine in engines}
        yield {engine: broker.kafka for engine, broker in running.items()}
        for broker in running.values():
            broker.stop()


def conclude(table):
    """Prints the table and what went wrong; returns how many cells are (good, not good)."""
    print("\n" + table.text() + "\n")
    failed = list(table.of_status("failed"))
    for engine, client, ability, cell in failed:
        print(f"FAILED  {engine} {client.name} {ability}: {cell.reason}" + (f"\n        logs: {cell.log}" if cell.log else ""))
    for engine, client, ability, cell in table.of_status("not run"):
        if ability == ABILITIES[0]:
            print(f"not run {engine} {client.name}: {cell.reason}")
    return len(list(table.of_status("ok", "lacks"))), len(failed)
