import static org.apache.kafka.common.config.ConfigResource.Type.BROKER;
import static org.apache.kafka.common.config.ConfigResource.Type.TOPIC;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The admin calls on cluster, topics and configs; all() makes every call, on a topic and a group named after the given topic. */
final class AdminCalls {
    private final String bootstrap;
    private final String topic;
    private final Steps steps = new Steps();

    AdminCalls(String bootstrap, String topic) {
        this.bootstrap = bootstrap;
        this.topic = topic;
    }

    int create(int partitions) throws Exception {
        try (Admin admin = open()) {
            Steps.get(admin.createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty()))).all());
        }
        return 0;
    }

    int all() throws Exception {
        String own = topic + "-admin";
        try (Admin admin = open()) {
            cluster(admin);
            topics(admin, own);
            topicRefusals(admin, own);
            configs(admin, own);
            String node = Steps.get(admin.describeCluster().nodes()).iterator().next().idString();
            brokerConfigs(admin, node);
            new LogCalls(admin, steps, own, Integer.parseInt(node)).all();
            new GroupCalls(bootstrap, admin, steps, own).all();
            VersionCalls.all(admin, steps, own);
            deletion(admin, own);
        }
        return steps.failed() == 0 ? 0 : 1;
    }

    private Admin open() {
        Properties properties = new Properties();
        properties.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, 15000);
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, 10000);
        return Admin.create(properties);
    }

    private void cluster(Admin admin) {
        steps.step("describeCluster", () -> {
            DescribeClusterResult cluster = admin.describeCluster();
            Steps.check(Steps.get(cluster.nodes()).size() == 1, "one node is expected: " + Steps.get(cluster.nodes()));
            Steps.check(Steps.get(cluster.controller()) != null, "no controller");
            Steps.check(!Steps.get(cluster.clusterId()).isEmpty(), "no cluster id");
        });
        steps.step("describeMetadataQuorum", () ->
                Steps.check(Steps.get(admin.describeMetadataQuorum().quorumInfo()).voters().size() == 1, "one voter is expected"));
        steps.step("describeFeatures", () -> Steps.get(admin.describeFeatures().featureMetadata()));
    }

    private void topics(Admin admin, String own) {
        NewTopic wanted = new NewTopic(own, 3, (short) 1).configs(Map.of("retention.ms", "3600000"));
        steps.step("createTopics validateOnly", () -> {
            Steps.get(admin.createTopics(List.of(wanted), new CreateTopicsOptions().validateOnly(true)).all());
            Steps.check(!Steps.get(admin.listTopics().names()).contains(own), "it was created");
        });
        steps.step("createTopics", () -> {
            Config config = Steps.get(admin.createTopics(List.of(wanted)).config(own));
            Steps.check("3600000".equals(config.get("retention.ms").value()), "retention.ms " + config.get("retention.ms"));
        });
        steps.step("listTopics", () -> Steps.await(Steps.get(admin.listTopics().names()).contains(own), "it is not listed"));
        steps.step("describeTopics", () -> Steps.check(describe(admin, own).partitions().size() == 3, "3 partitions are expected"));
        steps.step("describeTopics by id", () -> {
            Uuid id = describe(admin, own).topicId();
            TopicDescription found = Steps.get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds()).get(id);
            Steps.check(found.name().equals(own), "its name is " + found.name());
        });
        steps.step("createPartitions", () -> Steps.get(admin.createPartitions(Map.of(own, NewPartitions.increaseTo(4))).all()));
        steps.step("describeTopics after createPartitions", () ->
                Steps.await(describe(admin, own).partitions().size() == 4, "4 partitions are expected"));
    }

    private void topicRefusals(Admin admin, String own) {
        String unknown = own + "-unknown";
        steps.refused("createTopics of what exists", TopicExistsException.class, () ->
                Steps.get(admin.createTopics(List.of(new NewTopic(own, 1, (short) 1))).all()));
        steps.refused("createTopics with a bad name", InvalidTopicException.class, () ->
                Steps.get(admin.createTopics(List.of(new NewTopic("a b", 1, (short) 1))).all()));
        steps.refused("createTopics with no partitions", InvalidPartitionsException.class, () ->
                Steps.get(admin.createTopics(List.of(new NewTopic(unknown, 0, (short) 1))).all()));
        steps.refused("createTopics with five replicas", InvalidReplicationFactorException.class, () ->
                Steps.get(admin.createTopics(List.of(new NewTopic(unknown, 1, (short) 5))).all()));
        steps.refused("createTopics with an unknown config", InvalidConfigurationException.class, () ->
                Steps.get(admin.createTopics(List.of(new NewTopic(unknown, 1, (short) 1).configs(Map.of("no.such", "1")))).all()));
        steps.refused("createPartitions to fewer", InvalidPartitionsException.class, () ->
                Steps.get(admin.createPartitions(Map.of(own, NewPartitions.increaseTo(2))).all()));
        steps.refused("describeTopics of an unknown topic", UnknownTopicOrPartitionException.class, () -> describe(admin, unknown));
        steps.refused("describeTopics of an unknown id", UnknownTopicIdException.class, () ->
                Steps.get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds()));
        steps.refused("deleteTopics of an unknown topic", UnknownTopicOrPartitionException.class, () ->
                Steps.get(admin.deleteTopics(List.of(unknown)).all()));
    }

    private static TopicDescription describe(Admin admin, String name) throws Exception {
        return Steps.get(admin.describeTopics(List.of(name)).allTopicNames()).get(name);
    }

    private void configs(Admin admin, String own) {
        ConfigResource resource = new ConfigResource(TOPIC, own);
        steps.step("describeConfigs of a topic", () -> {
            DescribeConfigsOptions all = new DescribeConfigsOptions().includeDocumentation(true).includeSynonyms(true);
            Config config = Steps.get(admin.describeConfigs(List.of(resource), all).all()).get(resource);
            ConfigEntry retention = config.get("retention.ms");
            Steps.check(retention.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG && retention.value().equals("3600000"),
                    "retention.ms is " + retention);
            ConfigEntry policy = config.get("cleanup.policy");
            Steps.check(policy.value().equals("delete") && policy.isDefault(), "cleanup.policy is " + policy);
            Steps.check(policy.type() == ConfigEntry.ConfigType.LIST, "the type of cleanup.policy is " + policy.type());
            Steps.check(config.entries().stream().allMatch(e -> e.documentation() != null), "an entry has no documentation");
            Steps.check(config.entries().size() >= 20, config.entries().size() + " entries");
        });
        steps.step("incrementalAlterConfigs set", () ->
                alter(admin, resource, "max.message.bytes", "500000", AlterConfigOp.OpType.SET));
        steps.step("describeConfigs after set", () -> Steps.await(value(admin, resource, "max.message.bytes").equals("500000")
                && value(admin, resource, "retention.ms").equals("3600000"), "not what was set"));
        steps.step("incrementalAlterConfigs append", () ->
                alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND));
        steps.step("incrementalAlterConfigs subtract", () ->
                alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.SUBTRACT));
        steps.step("incrementalAlterConfigs delete", () ->
                alter(admin, resource, "max.message.bytes", "", AlterConfigOp.OpType.DELETE));
        steps.step("describeConfigs after delete", () -> Steps.await(value(admin, resource, "cleanup.policy").equals("delete")
                && !value(admin, resource, "max.message.bytes").equals("500000"), "not the default again"));
        steps.refused("incrementalAlterConfigs with a bad value", InvalidConfigurationException.class, () ->
                alter(admin, resource, "retention.ms", "soon", AlterConfigOp.OpType.SET));
        steps.refused("describeConfigs of an unknown topic", UnknownTopicOrPartitionException.class, () ->
                value(admin, new ConfigResource(TOPIC, own + "-unknown"), "retention.ms"));
    }

    private void brokerConfigs(Admin admin, String node) {
        steps.step("describeConfigs of a broker", () -> {
            ConfigResource resource = new ConfigResource(BROKER, node);
            Config config = Steps.get(admin.describeConfigs(List.of(resource)).all()).get(resource);
            Steps.check(config.entries().size() >= 20, config.entries().size() + " entries");
        });
    }

    private static void alter(Admin admin, ConfigResource resource, String name, String value, AlterConfigOp.OpType how)
            throws Exception {
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry(name, value), how);
        Steps.get(admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all());
    }

    private static String value(Admin admin, ConfigResource resource, String name) throws Exception {
        return Steps.get(admin.describeConfigs(List.of(resource)).all()).get(resource).get(name).value();
    }

    private void deletion(Admin admin, String own) {
        steps.step("deleteTopics", () -> Steps.get(admin.deleteTopics(Set.of(own)).all()));
        steps.step("listTopics after deleteTopics", () ->
                Steps.await(!Steps.get(admin.listTopics().names()).contains(own), "it is still listed"));
        steps.step("deleteTopics by id", () -> {
            Uuid id = Steps.get(admin.createTopics(List.of(new NewTopic(own + "-2", 1, (short) 1))).topicId(own + "-2"));
            Steps.get(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all());
        });
    }
}
