"""The tools of operators: reassignments, quotas, ACLs, client metrics, features. Part of kafka_tools.py."""

import json
import re


class AdminTools:
    """Part of KafkaTools: uses its call(), its runner and its topic."""

    def leader(self):
        """The broker's number, as the topic's first partition tells it."""
        _, described, _ = self.runner.call("org.apache.kafka.tools.TopicCommand", [*self.to_broker, "--describe", "--topic", self.topic])
        return int(re.search(r"Partition: 0\tLeader: (\d+)", described)[1])

    def reassignment(self):
        """To the broker where the partitions are already: done at once, throttles set and taken away."""
        tool, leader = "reassign.ReassignPartitionsCommand", self.leader()
        moved = self.runner.file("move.json", json.dumps({"version": 1, "topics": [{"topic": self.topic}]}))
        plan = self.runner.file("plan.json", json.dumps({"version": 1, "partitions": [
            {"topic": self.topic, "partition": partition, "replicas": [leader]} for partition in (0, 1)]}))
        with_plan = ["--reassignment-json-file", plan]
        of_broker = ["--describe", "--entity-type", "brokers", "--entity-name", str(leader)]
        self.call("--generate", tool, ["--generate", "--topics-to-move-json-file", moved, "--broker-list", str(leader)],
                  [r"^Current partition replica assignment$", rf'"topic":"{self.topic}","partition":0,"replicas":\[{leader}\]',
                   r"^Proposed partition reassignment configuration$"])
        self.call("--execute --throttle", tool, ["--execute", *with_plan, "--throttle", "1000000"],
                  [r"The inter-broker throttle limit was set to 1000000 B/s",
                   rf"^Successfully started partition reassignments for {self.topic}-0,{self.topic}-1$"])
        self.call("--describe after --execute --throttle", "kafka.admin.ConfigCommand", of_broker,
                  [r"leader\.replication\.throttled\.rate=1000000"], settles=True)
        self.call("--verify", tool, ["--verify", *with_plan],
                  [rf"^Reassignment of partition {self.topic}-{partition} is completed\.$" for partition in (0, 1)]
                  + [r"^Clearing broker-level throttles on brokers? ", r"^Clearing topic-level throttles on topic"])
        self.call("--describe after --verify", "kafka.admin.ConfigCommand", of_broker, absent=r"throttled\.rate", settles=True)
        self.call("--cancel", tool, ["--cancel", *with_plan],
                  [r"^None of the specified partition reassignments are active\.$"])

    def quotas(self):
        """Users and clients have no configs but quotas; there are none."""
        for entity in ("users", "clients"):
            self.call(f"--describe of {entity}", "kafka.admin.ConfigCommand", ["--describe", "--entity-type", entity])

    def acls(self):
        """Without an authorizer there are none, and the tool has to say so."""
        tool = self.names("AclCommand", "kafka.admin.AclCommand")
        for name, arguments in [("--list", []), ("--add", ["--allow-principal", "User:a", "--operation", "Read", "--topic", self.topic])]:
            self.call(name, tool, [name, *arguments], [r"SecurityDisabledException"], absent=None, code=1)

    def client_metrics(self):
        tool = "ClientMetricsCommand"
        name = ["--name", "tools"]
        self.call("--alter", tool, ["--alter", *name, "--metrics", "org.apache.kafka.", "--interval", "60000"], [r"tools"])
        self.call("--list", tool, ["--list"], [r"^tools$"], settles=True)
        self.call("--describe", tool, ["--describe", *name], [r"interval\.ms=60000", r"metrics=org\.apache\.kafka\."], settles=True)
        self.call("--delete", tool, ["--delete", *name], [r"tools"])
        self.call("--list after --delete", tool, ["--list"], absent=r"Exception|(?m:^tools$)", settles=True)

    def features(self):
        """An unknown feature is refused, and the level of metadata.version stays what it is."""
        tool = "FeatureCommand"
        _, described, _ = self.runner.call("org.apache.kafka.tools.FeatureCommand", [*self.to_broker, "describe"])
        level = re.search(r"^Feature: metadata\.version\s.*FinalizedVersionLevel: (\S+)", described, re.M)
        self.say("FeatureCommand tells the level", None if level else described[:300])
        self.call("downgrade of an unknown feature", tool, ["downgrade", "--feature", "unknown.version=0", "--dry-run"], absent=None, code=1)
        self.call("describe afterwards", tool, ["describe"], [re.escape(level[0]) if level else "level"])
