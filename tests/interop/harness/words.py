"""A real file for tests: every path that the machine's packages own, keyed by the package."""

import glob
import os

from harness.places import SCRATCH


def words():
    """Returns the file's path; its lines are package<TAB>path, the same ones whenever the same packages are installed."""
    os.makedirs(SCRATCH, exist_ok=True)
    path = os.path.join(SCRATCH, "words.txt")
    with open(path + ".new", "w") as out:
        for listing in sorted(glob.glob("/var/lib/dpkg/info/*.list")):
            package = os.path.basename(listing)[:-len(".list")]
            for line in open(listing, errors="replace"):
                out.write(f"{package}\t{line.rstrip()}\n")
    os.replace(path + ".new", path)
    return path


def lines_by_key(lines):
    keyed = {}
    for line in lines:
        keyed.setdefault(line.split("\t", 1)[0], []).append(line)
    return keyed
