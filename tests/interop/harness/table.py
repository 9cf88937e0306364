"""The table client x ability, once per engine."""

import dataclasses

from harness.abilities import ABILITIES

SIGNS = {"ok": "ok", "failed": "FAILED", "lacks": "-", "not run": "?"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """status: ok, failed, lacks or not run. reason: why, or a remark beside ok. log: the folder that tells more, when there is one."""
    status: str
    reason: str = ""
    log: str = ""


class Table:
    def __init__(self, engines, clients):
        self.engines = engines
        self.clients = clients
        self.cells = {}

    def put(self, engine, client, ability, cell):
        self.cells[engine, client.name, ability] = cell

    def cell(self, engine, client, ability):
        return self.cells[engine, client.name, ability]

    def of_status(self, *statuses):
        """Yields (engine, client, ability, cell)."""
        for engine in self.engines:
            for client in self.clients:
                for ability in ABILITIES:
                    cell = self.cell(engine, client, ability)
                    if cell.status in statuses:
                        yield engine, client, ability, cell

    def text(self):
        width = max(len(client.title) for client in self.clients)
        blocks = []
        for engine in self.engines:
            lines = [f"{engine:{width}}  " + "  ".join(f"{ability:6}" for ability in ABILITIES)]
            for client in self.clients:
                signs = [SIGNS[self.cell(engine, client, ability).status] for ability in ABILITIES]
                lines.append(f"{client.title:{width}}  " + "  ".join(f"{sign:6}" for sign in signs))
            blocks.append("\n".join(line.rstrip() for line in lines))
        return "\n\n".join(blocks)
