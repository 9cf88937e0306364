"""Tests with Apache Kafka's own programs: its command-line tools, its message classes, and the shows that use them."""

import os
import re
import subprocess
import sys

from harness.broker import broker_of
from harness.checks import check, output
from harness.compatibility import BROKER_FLAGS
from harness.places import INTEROP, ROOT

sys.path.insert(0, os.path.join(INTEROP, "kafka_tools"))
from runner import VERSIONS, class_path  # noqa: E402

SHOW_S = 600
DIFFERENTIAL_S = 1200


class JavaTests:
    """Part of Deployments: uses its build."""

    def kafka_class_path(self):
        return class_path(VERSIONS[0])

    def broker_command(self, deployment):
        """As the shows take it; the broker of one show tells its clients another port."""
        words = [os.path.join(self.build, "cambiumd"), f"--flagfile={ROOT}/deploy/{deployment}.flags", "--data_dir={folder}",
                 "--rpc_listen=127.0.0.1:0", "--http_listen=127.0.0.1:0", "--kafka_listen=127.0.0.1:{port}",
                 "--kafka_advertise=127.0.0.1:{advertised}", *BROKER_FLAGS]
        return "--broker=" + " ".join(words)

    def test_java_tools(self, deployment):
        """Each of Kafka's tools, in both versions."""
        if deployment == "hybrid":
            return None
        calls, said = 0, ""
        with broker_of(self.build, deployment, BROKER_FLAGS) as (broker, _):
            for version in VERSIONS:
                done = subprocess.run([os.path.join(INTEROP, "kafka_tools.py"), broker.kafka, version], capture_output=True, text=True,
                                      errors="replace", timeout=SHOW_S)
                said += done.stdout
                self.tools.put_calls(said, deployment)
                failed = re.findall(r"^failed (.*)$", done.stdout, re.M)
                check(done.returncode == 0, f"{version}: {len(failed)} calls: " + ("; ".join(failed) or done.stderr)[:1500])
                calls += len(re.findall(r"^ok ", done.stdout, re.M))
            broker.stop()
        return f"{calls} calls of {' and '.join(VERSIONS)}"

    def test_java_messages(self, deployment):
        """Our codec and the Java client's classes read each other's messages."""
        if deployment != "native":
            return None
        said = output(os.path.join(INTEROP, "message_exchange.py"), f"--build={self.build}", timeout=SHOW_S)
        counts = [int(count) for count in re.findall(r"(\d+) messages (?:checked|of)", said)]
        return f"{sum(counts)} messages"

    def test_java_differential(self, deployment):
        """The same odd requests to Apache Kafka and to both engines; every difference has to be argued."""
        if deployment != "native":
            return None
        said = output(os.path.join(INTEROP, "differential", "run"), f"--build={self.build}", timeout=DIFFERENTIAL_S)
        return said.strip().splitlines()[-1]

    def test_java_restarts(self, deployment):
        """Kafka's verifiable producer and consumer over a stop and a kill of the broker; unlike with Kafka itself, nothing may come twice."""
        if deployment == "hybrid":
            return None
        return output(os.path.join(INTEROP, "shows", "restarts.py"), "--once", self.broker_command(deployment), timeout=SHOW_S).strip()

    def test_java_drops(self, deployment):
        """An idempotent producer whose connections are dropped at random."""
        if deployment == "hybrid":
            return None
        return output(os.path.join(INTEROP, "shows", "drops.py"), self.broker_command(deployment), timeout=SHOW_S).strip()
