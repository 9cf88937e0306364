"""What tests say when something is not as it should be."""

import subprocess


class Failed(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failed(what)


def output(*command, timeout=300, **options):
    """What the command prints. Failed, with the end of what it said, when it does not end with 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **{"errors": "replace", **options})
    check(done.returncode == 0, f"{' '.join(command[:4])} … ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout
