"""A device of few megabytes, which a check can fill."""

import contextlib
import os
import shutil
import subprocess

CHUNK = 1 << 16


class CannotMount(Exception):
    pass


@contextlib.contextmanager
def small_device(folder, mebibytes):
    """A file system in memory on a folder, as root makes it; CannotMount says why not."""
    os.makedirs(folder)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder]
    if shutil.which("mount") is None:
        raise CannotMount("there is no mount")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotMount(f"a tmpfs cannot be mounted ({done.stderr.strip()}); root can")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def free_bytes(folder):
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def write_foreign(path, count=None):
    """So many bytes, or as many as go: to the last one."""
    written = 0
    with open(path, "ab", buffering=0) as file:
        with contextlib.suppress(OSError):
            while count is None or written < count:
                written += file.write(bytes(CHUNK if count is None else min(CHUNK, count - written)))
    return written
