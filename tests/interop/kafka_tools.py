#!/usr/bin/env python3
"""Apache Kafka's own command-line tools against a broker: every call's output is checked, "ok" or "failed" printed for each.

    tests/interop/kafka_tools.py BOOTSTRAP VERSION      VERSION: 4.3.1 or 3.9.2; exit code 1: a call failed

Makes topics and groups of its own, and deletes them.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kafka_tools"))
from kafka_admin import AdminTools  # noqa: E402
from runner import ToolFailed, ToolRunner  # noqa: E402

TOOLS = "org.apache.kafka.tools."
# What BrokerApiVersionsCommand has to find usable.
APIS = """Produce Fetch ListOffsets Metadata OffsetCommit OffsetFetch FindCoordinator JoinGroup Heartbeat LeaveGroup SyncGroup
DescribeGroups ListGroups ApiVersions CreateTopics DeleteTopics DeleteRecords InitProducerId OffsetForLeaderEpoch DescribeConfigs
AlterConfigs DescribeLogDirs CreatePartitions DeleteGroups ElectLeaders IncrementalAlterConfigs AlterPartitionReassignments
ListPartitionReassignments OffsetDelete DescribeQuorum UpdateFeatures DescribeCluster DescribeProducers DescribeTransactions
ListTransactions DescribeTopicPartitions DescribeAcls CreateAcls DeleteAcls AlterReplicaLogDirs DescribeClientQuotas AlterClientQuotas
DescribeUserScramCredentials AlterUserScramCredentials""".split()
SETTLE_ATTEMPTS = 15
COMPLAINT = r"Exception|ERROR|UNSUPPORTED"


class KafkaTools(AdminTools):
    def __init__(self, runner, bootstrap, version):
        self.runner = runner
        self.version = version
        self.bootstrap = bootstrap
        self.to_broker = ["--bootstrap-server", bootstrap]
        self.topic = f"tools-{version.replace('.', '-')}-{os.getpid()}"
        self.group = self.topic + "-group"
        self.newer = version.startswith("4")
        self.failures = 0

    # --- How a call is made and checked ---------------------------------------------------------------------------------------

    def say(self, name, failure):
        self.failures += failure is not None
        print(f"failed {name}: {failure}" if failure else f"ok {name}", flush=True)

    def call(self, name, tool, arguments, expect=(), absent=COMPLAINT, code=0, stdin=None, broker=True, settles=False):
        """expect: patterns that stdout has, line by line; absent: what neither stdout nor stderr has; code: None for any; settles: what an
        earlier call changed may show a moment later. Returns stdout."""
        main_class = tool if tool.startswith("kafka.") else TOOLS + tool
        arguments = [*(self.to_broker if broker else []), *arguments]
        for attempt in range(SETTLE_ATTEMPTS if settles else 1):
            time.sleep(0.3 if attempt > 0 else 0)
            out, failure = self.attempt(main_class, arguments, expect, absent, code, stdin)
            if failure is None:
                break
        self.say(f"{main_class.rsplit('.', 1)[1]} {name}".strip(), failure)
        return out

    def attempt(self, main_class, arguments, expect, absent, code, stdin):
        try:
            ended, out, err = self.runner.call(main_class, arguments, stdin)
        except (ToolFailed, BrokenPipeError) as e:
            return "", str(e)
        both = out + re.sub(r"(?m)^(exit code \d+|ToolRunner\$Ended: .*)$", "", err)
        missing = [pattern for pattern in expect if not re.search(pattern, out, re.M)]
        failure = None
        if code is not None and ended != code:
            failure = f"exit code {ended} instead of {code}"
        elif missing:
            failure = f"nothing like {missing[0]!r}"
        elif absent and re.search(absent, both):
            failure = "it complains"
        return out, failure and failure + ": " + re.sub(r"\s+", " ", both)[:600]

    def names(self, newer, older):
        return newer if self.newer else older

    # --- The tools ------------------------------------------------------------------------------------------------------------

    def cluster(self):
        self.call("cluster-id", "ClusterTool", ["cluster-id", *self.to_broker], [r"^Cluster ID: \S+"], broker=False)
        api = self.names("BrokerApiVersionsCommand", "kafka.admin.BrokerApiVersionsCommand")
        self.call("", api, [], [r"\(id: \d+ rack: "] + [rf"^\s{name}\(\d+\): .*\[usable: \d+\]" for name in APIS],
                  absent=rf"Exception|\b({'|'.join(APIS)})\(\d+\): UNSUPPORTED")
        self.call("describe --status", "MetadataQuorumCommand", ["describe", "--status"],
                  [r"^ClusterId: +\S+", r"^LeaderId: +\d+", r"^CurrentVoters: +\[.*\d+"])
        self.call("describe --replication", "MetadataQuorumCommand", ["describe", "--replication"],
                  [r"^NodeId\s", r"^\d+\s.*Leader"])
        self.call("describe", "FeatureCommand", ["describe"], [r"^Feature: metadata\.version\s.*FinalizedVersionLevel: \S+"])

    def topics(self):
        create = ["--create", "--topic", self.topic, "--partitions", "3"]
        self.call("--create", "TopicCommand", [*create, "--config", "retention.ms=3600000"], [rf"^Created topic {self.topic}\.$"])
        self.call("--create of what exists", "TopicCommand", create, [r"Error.*exists"], absent=None, code=1)
        self.call("--create --if-not-exists", "TopicCommand", [*create, "--if-not-exists"])
        self.call("--list", "TopicCommand", ["--list"], [rf"^{re.escape(self.topic)}$"])
        rows = [rf"^\tTopic: {self.topic}\tPartition: {p}\tLeader: (\d+)\tReplicas: \1\tIsr: \1\b" for p in range(3)]
        self.call("--describe", "TopicCommand", ["--describe", "--topic", self.topic],
                  [rf"^Topic: {self.topic}\tTopicId: \S{{22}}\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: .*retention\.ms=3600000",
                   *rows])
        self.call("--describe of an unknown topic", "TopicCommand", ["--describe", "--topic", self.topic + "-unknown"],
                  [r"does not exist"], absent=None, code=1)
        self.call("--alter", "TopicCommand", ["--alter", "--topic", self.topic, "--partitions", "4"])
        self.call("--describe after --alter", "TopicCommand", ["--describe", "--topic", self.topic], [r"PartitionCount: 4\b"],
                  settles=True)
        self.call("--describe --unavailable-partitions", "TopicCommand", ["--describe", "--unavailable-partitions"],
                  absent=COMPLAINT + "|Topic:")

    def configs(self):
        tool, of_topic = "kafka.admin.ConfigCommand", ["--entity-type", "topics", "--entity-name", self.topic]
        done = [rf"^Completed updating config for topic {self.topic}\.$"]
        self.call("--alter --add-config", tool, ["--alter", *of_topic, "--add-config", "max.message.bytes=500000"], done)
        self.call("--describe of a topic", tool, ["--describe", *of_topic],
                  [r"^  max\.message\.bytes=500000 .*DYNAMIC_TOPIC_CONFIG", r"^  retention\.ms=3600000 "], settles=True)
        self.call("--alter --add-config with a bad value", tool, ["--alter", *of_topic, "--add-config", "retention.ms=soon"],
                  absent=None, code=1)
        self.call("--alter --delete-config", tool, ["--alter", *of_topic, "--delete-config", "max.message.bytes"], done)
        self.call("--describe after --delete-config", tool, ["--describe", *of_topic], [r"^  retention\.ms=3600000 "],
                  absent=COMPLAINT + "|500000", settles=True)
        self.call("--describe --all of a topic", tool, ["--describe", "--all", *of_topic],
                  [r"^  cleanup\.policy=delete ", r"^  compression\.type=producer ", r"^  segment\.bytes=\d+ ", r"^  retention\.bytes=-1 "])
        out = self.call("--describe --all of every broker", tool, ["--describe", "--all", "--entity-type", "brokers"],
                        [r"^All configs for broker (\d+) are:"])
        node = re.search(r"for broker (\d+)", out)
        self.call("--describe of a broker", tool, ["--describe", "--entity-type", "brokers", "--entity-name", node[1] if node else "0"],
                  [r"^Dynamic configs for broker \d+ are:"])
        self.dynamic_configs(tool, node[1] if node else "1")

    def dynamic_configs(self, tool, node):
        """What is set while a broker runs: of one broker, of all of them, of groups, client metrics and loggers."""
        throttle = "leader.replication.throttled.rate"
        for entity, name, what in [(["--entity-name", node], f"broker {node}", "DYNAMIC_BROKER_CONFIG"),
                                   (["--entity-default"], r"brokers in the cluster", "DYNAMIC_DEFAULT_BROKER_CONFIG")]:
            of_broker = ["--entity-type", "brokers", *entity]
            self.call(f"--alter of {name}", tool, ["--alter", *of_broker, "--add-config", f"{throttle}=1000"],
                      [r"^Completed updating (default )?config for "])
            self.call(f"--describe of {name}", tool, ["--describe", *of_broker], [rf"^  {re.escape(throttle)}=1000 .*{what}"], settles=True)
            self.call(f"--alter --delete-config of {name}", tool, ["--alter", *of_broker, "--delete-config", throttle],
                      [r"^Completed updating (default )?config for "])
        self.call("--alter of a broker, read-only", tool,
                  ["--alter", "--entity-type", "brokers", "--entity-name", node, "--add-config", "broker.id=7"], absent=None, code=1)
        if not self.newer:
            return
        for kind, config, value in [("groups", "consumer.session.timeout.ms", "50000"), ("client-metrics", "interval.ms", "5000")]:
            of_entity = ["--entity-type", kind, "--entity-name", self.topic]
            self.call(f"--alter of {kind}", tool, ["--alter", *of_entity, "--add-config", f"{config}={value}"],
                      [r"^Completed updating config for "])
            self.call(f"--describe of {kind}", tool, ["--describe", *of_entity], [rf"^  {re.escape(config)}={value}\b"], settles=True)
            self.call(f"--alter --delete-config of {kind}", tool, ["--alter", *of_entity, "--delete-config", config],
                      [r"^Completed updating config for "])
        of_loggers = ["--entity-type", "broker-loggers", "--entity-name", node]
        self.call("--describe of loggers", tool, ["--describe", *of_loggers], [r"^  root=\w+ "], absent=r"Exception|UNSUPPORTED")

    def console(self):
        producer = self.names("ConsoleProducer", "kafka.tools.ConsoleProducer")
        reader, formatter = self.names("--reader-property", "--property"), self.names("--formatter-property", "--property")
        parse = [word for setting in ["parse.key=true", "parse.headers=true"] for word in (reader, setting)]
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
            lines = "".join(f"codec:{codec}\tkey {i}\tvalue {i} of {codec}\n" for i in range(20))
            self.call(f"with {codec}", producer, ["--topic", self.topic, *parse, "--compression-codec", codec], stdin=lines)
        shown = [word for what in ["key", "offset", "partition", "headers"] for word in (formatter, f"print.{what}=true")]
        every = [rf"^Partition:\d\tOffset:\d+\tcodec:{codec}\tkey {i}\tvalue {i} of {codec}$"
                 for codec in ["none", "gzip", "snappy", "lz4", "zstd"] for i in range(20)]
        self.call("--group", "consumer.ConsoleConsumer", ["--topic", self.topic, "--group", self.group, "--from-beginning",
                  "--max-messages", "100", "--timeout-ms", "20000", *shown], every)
        self.call("--partition --offset", "consumer.ConsoleConsumer", ["--topic", self.topic, "--partition", "0", "--offset", "1",
                  "--max-messages", "1", "--timeout-ms", "20000", *shown], [r"^Partition:0\tOffset:1\t"])

    def offsets(self):
        out = self.call("--time latest", "GetOffsetShell", ["--topic", self.topic, "--time", "latest"],
                        [rf"^{self.topic}:{p}:\d+$" for p in range(4)])
        total = sum(int(line.rsplit(":", 1)[1]) for line in out.splitlines() if re.search(r":\d+$", line))
        self.say("GetOffsetShell sums up to what was produced", None if total == 100 else f"{total} instead of 100")
        self.call("--time earliest", "GetOffsetShell", ["--topic", self.topic, "--time", "earliest"],
                  [rf"^{self.topic}:{p}:0$" for p in range(4)])
        self.call("--time max-timestamp", "GetOffsetShell", ["--topic", self.topic, "--time", "max-timestamp"], [rf"^{self.topic}:\d:\d+$"])
        self.call("--time of long ago", "GetOffsetShell", ["--topic", self.topic, "--time", "1000"], [rf"^{self.topic}:\d:0$"])
        out = self.call("--describe", "LogDirsCommand", ["--describe", "--topic-list", self.topic], [r'^\{.*"brokers"'])
        try:
            folders = json.loads(out.splitlines()[-1])["brokers"][0]["logDirs"]
            sizes = {p["partition"]: p["size"] for folder in folders for p in folder["partitions"]}
            wrong = sorted(sizes) != [f"{self.topic}-{p}" for p in range(4)] or sum(sizes.values()) <= 0
            self.say("LogDirsCommand has the size of each partition", f"it shows {sizes}" if wrong else None)
        except (IndexError, KeyError, ValueError) as e:
            self.say("LogDirsCommand has the size of each partition", f"{e!r}: {out[:300]}")

    def groups(self):
        tool, group = "consumer.group.ConsumerGroupCommand", ["--group", self.group]
        self.call("--list", tool, ["--list"], [rf"^{self.group}$"])
        self.call("--list --state", tool, ["--list", "--state"], [rf"^{self.group} +Empty"])
        rows = [rf"^{self.group} +{self.topic} +{p} +(\d+) +\1 +0 +- " for p in range(4)]
        self.call("--describe", tool, ["--describe", *group], rows)
        self.call("--describe --state", tool, ["--describe", "--state", *group], [rf"^{self.group} +\S+ +\(\d+\) .*Empty +0"])
        self.call("--describe of an unknown group", tool, ["--describe", "--group", self.group + "-unknown"],
                  [self.names(r"not found", r"does not exist")], absent=None, code=None if self.newer else 0)
        self.with_member(tool, group)
        # 3.9.2 prints the tables of these two without line feeds.
        reset, all_topics = ["--reset-offsets", *group], ["--topic", self.topic]
        zero = [rf"\b{self.group} +{self.topic} +{p} +0\b" for p in range(4)]
        self.call("--reset-offsets --to-earliest --dry-run", tool, [*reset, *all_topics, "--to-earliest", "--dry-run"], zero)
        self.call("--describe after a dry run", tool, ["--describe", *group], rows)
        self.call("--reset-offsets --to-earliest --execute", tool, [*reset, *all_topics, "--to-earliest", "--execute"], zero)
        self.call("--describe after --execute", tool, ["--describe", *group],
                  [rf"^{self.group} +{self.topic} +{p} +0 +(\d+) +\1 +- " for p in range(4)])
        self.call("--reset-offsets --shift-by", tool, [*reset, "--topic", self.topic + ":0", "--shift-by", "2", "--execute"],
                  [rf"\b{self.group} +{self.topic} +0 +2\b"])
        self.call("--reset-offsets --to-offset", tool, [*reset, "--topic", self.topic + ":1", "--to-offset", "1", "--execute"],
                  [rf"\b{self.group} +{self.topic} +1 +1\b"])
        self.call("--reset-offsets --to-datetime", tool,
                  [*reset, *all_topics, "--to-datetime", "2020-01-01T00:00:00.000", "--dry-run"], zero)
        exported = self.call("--reset-offsets --export", tool, [*reset, "--all-topics", "--to-current", "--dry-run", "--export"],
                             [rf'^"?{self.topic}"?,1,1$'])
        path = self.runner.file("offsets.csv", "\n".join(line for line in exported.splitlines() if "," in line) + "\n")
        self.call("--reset-offsets --from-file", tool, [*reset, "--from-file", path, "--execute"],
                  [rf"\b{self.group} +{self.topic} +1 +1\b"])
        self.call("--delete-offsets", tool, ["--delete-offsets", *group, "--topic", self.topic + ":1"], [rf"\b{self.topic} +1 +Successful"])
        self.call("--delete", tool, ["--delete", *group], [r"was successful"])
        self.call("--list after --delete", tool, ["--list"], absent=rf"{COMPLAINT}|(?m:^{self.group}$)", settles=True)

    def with_member(self, tool, group):
        """A consumer of Kafka's as a member, while the group is described."""
        member = self.runner.start(TOOLS + "VerifiableConsumer", [*self.to_broker, "--topic", self.topic, "--group-id", self.group])
        try:
            events = iter(lambda: member.stdout.readline().decode(errors="replace"), "")
            assigned = next((line for line in events if '"partitions_assigned"' in line), "")
            owned = len(json.loads(assigned)["partitions"]) if assigned else 0
            self.say("VerifiableConsumer joins a group", None if owned == 4 else f"it owns {owned} partitions")
            row = rf"^{self.group} +\S+ +/127\.0\.0\.1 +\S+ +"
            self.call("--describe with a member", tool, ["--describe", *group],
                      [rf"^{self.group} +{self.topic} +{p} +(\d+) +\1 +0 +\S+-\S+ +/127\.0\.0\.1 " for p in range(4)])
            self.call("--describe --state with a member", tool, ["--describe", "--state", *group], [r"\(\d+\) +range +Stable +1"])
            self.call("--describe --members", tool, ["--describe", "--members", *group], [row + "4"])
            self.call("--describe --members --verbose", tool, ["--describe", "--members", "--verbose", *group],
                      [row + r"4 +.*[(:]0,1,2,3\b"])
            self.call("--reset-offsets with a member", tool,
                      ["--reset-offsets", *group, "--topic", self.topic, "--to-earliest", "--execute"], [r"inactive"], absent=None,
                      code=None)
            self.call("--delete with a member", tool, ["--delete", *group], [r"not empty"], absent=None, code=None)
            member.send_signal(signal.SIGTERM)
            closed = '"shutdown_complete"' in member.communicate(timeout=30)[0].decode(errors="replace")
            self.say("VerifiableConsumer leaves", None if closed else "no shutdown_complete")
        except subprocess.TimeoutExpired:
            self.say("VerifiableConsumer leaves", "not within 30 s of SIGTERM")
        finally:
            if member.poll() is None:
                member.kill()
                member.wait()

    def load(self):
        load = self.topic + "-load"
        self.call("--create for the load tools", "TopicCommand", ["--create", "--topic", load, "--partitions", "1"])
        self.verifiable_producer(load)
        out = self.call("", "VerifiableConsumer", ["--topic", load, "--group-id", load, "--max-messages", "1000", "--verbose"],
                        [r'"offsets_committed".*"success":true', r'"record_data".*"value":"999"'])
        read = out.count('"record_data"')
        self.say("VerifiableConsumer reads every record", None if read == 1000 else f"{read} instead of 1000")
        setting = self.names("--command-property", "--producer-props")
        self.call("", "ProducerPerformance", ["--topic", load, "--num-records", "5000", "--record-size", "100", "--throughput", "-1",
                  setting, f"bootstrap.servers={self.bootstrap}", "acks=all"], [r"^5000 records sent, "], broker=False)
        self.call("describe-producers", "TransactionsCommand", ["describe-producers", "--topic", load, "--partition", "0"],
                  [r"^ProducerId\s", r"^\d+ *\t0 +\t\S+ +\t4999 "])
        self.call("", "ConsumerPerformance", ["--topic", load, self.names("--num-records", "--messages"), "6000"],
                  [r"^\d{4}-.*, 6000, "], absent="WARNING: Exiting before")
        path = self.runner.file("delete.json", json.dumps({"version": 1, "partitions": [{"topic": load, "partition": 0, "offset": 77}]}))
        self.call("", "DeleteRecordsCommand", ["--offset-json-file", path], [rf"^partition: {load}-0\tlow_watermark: 77$"])
        self.call("--time earliest after DeleteRecordsCommand", "GetOffsetShell", ["--topic", load, "--time", "earliest"],
                  [rf"^{load}:0:77$"])

    def verifiable_producer(self, topic):
        """In a process of its own: it tells its counts as its virtual machine ends."""
        producer = self.runner.start(TOOLS + "VerifiableProducer", [*self.to_broker, "--topic", topic, "--max-messages", "1000"])
        try:
            out = producer.communicate(timeout=60)[0].decode(errors="replace")
            counted = re.search(r'"name":"tool_data","sent":1000,"acked":1000', out)
            wrong = not counted or out.count('"producer_send_success"') != 1000 or producer.returncode != 0
            self.say("VerifiableProducer", f"code {producer.returncode}: {out[-500:]}" if wrong else None)
        except subprocess.TimeoutExpired:
            producer.kill()
            producer.wait()
            self.say("VerifiableProducer", "no end within 60 s")

    def replicas(self):
        election = ["--election-type", "preferred"]
        self.call("of one partition", "LeaderElectionCommand", [*election, "--topic", self.topic, "--partition", "0"],
                  [rf"Valid replica already elected for partitions {self.topic}-0"])
        self.call("--all-topic-partitions", "LeaderElectionCommand", [*election, "--all-topic-partitions"])
        self.call("--list", "reassign.ReassignPartitionsCommand", ["--list"], [r"^No partition reassignments found\.$"])
        self.call("list", "TransactionsCommand", ["list"], [r"^TransactionalId\s+Coordinator\s"])

    def deletion(self):
        for topic in [self.topic, self.topic + "-load"]:
            self.call("--delete", "TopicCommand", ["--delete", "--topic", topic])
        self.call("--list after --delete", "TopicCommand", ["--list"], absent=rf"{COMPLAINT}|{self.topic}", settles=True)

    def run(self):
        for part in [self.cluster, self.topics, self.configs, self.console, self.offsets, self.groups, self.load, self.replicas,
                     self.reassignment, self.quotas, self.acls, self.client_metrics, self.features, self.deletion]:
            part()
        return 0 if self.failures == 0 else 1


def main(bootstrap, version):
    with ToolRunner(version) as runner:
        return KafkaTools(runner, bootstrap, version).run()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
