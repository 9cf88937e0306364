"""One client: its folder below clients/, as README.md has the contract."""

import json
import os
import shutil
import subprocess

from harness.checks import Failed, check
from harness.member import Member
from harness.places import CLIENTS, SCRATCH

INSTALL_S = 900
COMMAND_S = 120


class Client:
    def __init__(self, name):
        self.name = name
        self.folder = os.path.join(CLIENTS, name)
        with open(os.path.join(self.folder, "client.json")) as file:
            about = json.load(file)
        self.title = about["title"]
        self.codecs = about["codecs"]
        self.lacks = about.get("lacks", {})
        self.needs = about.get("needs", [])
        self.installed = os.path.join(SCRATCH, "clients", name)

    def missing_programs(self):
        return [program for program in self.needs if shutil.which(program) is None]

    def install(self):
        os.makedirs(self.installed, exist_ok=True)
        done = subprocess.run([os.path.join(self.folder, "install"), self.installed], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=INSTALL_S)
        said = (done.stderr + done.stdout)[-1000:]
        check(done.returncode == 0, f"install ended with {done.returncode}: {said}")

    def command(self, *arguments):
        return [os.path.join(self.folder, "client"), self.installed, *map(str, arguments)]

    def run(self, log, *arguments):
        """Runs a command to its end; returns (exit code, lines of output, what it said to stderr). All is kept in LOG.out and .err."""
        with open(log + ".out", "wb") as out, open(log + ".err", "wb") as err:
            member = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                code = member.wait(COMMAND_S)
            except subprocess.TimeoutExpired:
                member.kill()
                member.wait()
                raise Failed(f"{arguments[0]} had not ended after {COMMAND_S} s") from None
        with open(log + ".out", errors="replace") as out, open(log + ".err", errors="replace") as err:
            return code, out.read().splitlines(), err.read().strip()

    def do(self, log, *arguments):
        """The same; Failed when it does not end with 0. Returns the lines."""
        code, lines, said = self.run(log, *arguments)
        check(code == 0, f"{arguments[0]} ended with {code}: {(said or ' '.join(lines))[-400:]}")
        return lines

    def start(self, log, *arguments):
        return Member(self.command(*arguments), log)


def all_clients():
    return [Client(name) for name in sorted(os.listdir(CLIENTS)) if os.path.exists(os.path.join(CLIENTS, name, "client.json"))]
