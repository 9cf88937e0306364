"""kill -9 of brokers under producers, many times: the crash test of the tree, with a number of kills for the night."""

import os
import re
import subprocess

from harness.checks import check

HOURS = 3
TOTALS = re.compile(r"^(?:native|rocksdb|hybrid): \d+ kills.*$", re.M)


def kills(setting):
    """The part of that test that is about the deployment."""
    program = setting.options.kill_test
    if not os.path.exists(program):
        return f"skipped: {program} is not there; build it by `cmake --preset relassert && cmake --build --preset relassert --target kill_test`"
    environment = {**os.environ, "CAMBIUM_KILLS": str(setting.options.kills)}
    wanted = f"--gtest_filter=*/{setting.deployment}"
    done = subprocess.run([program, wanted], env=environment, capture_output=True, text=True, errors="replace", timeout=HOURS * 3600)
    totals = TOTALS.findall(done.stdout)
    check(done.returncode == 0 and totals, f"{program} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return "; ".join(line.split(": ", 1)[1] for line in totals)
