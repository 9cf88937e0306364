import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.UpdateFeaturesOptions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.InvalidUpdateVersionException;
import org.apache.kafka.common.errors.NoReassignmentInProgressException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The admin calls on what stands in partitions: offsets, deletion of records, log folders, producers, replicas, transactions. */
final class LogCalls {
    private static final int RECORDS = 10;
    private static final long FIRST_TIMESTAMP = 1_700_000_000_000L;

    private final Admin admin;
    private final Steps steps;
    private final TopicPartition partition;
    private final int node;

    LogCalls(Admin admin, Steps steps, String topic, int node) {
        this.admin = admin;
        this.steps = steps;
        this.partition = new TopicPartition(topic, 0);
        this.node = node;
    }

    void all() {
        withProducer();
        offsets();
        records();
        logDirs();
        replicas();
        transactions();
        features();
    }

    private void withProducer() {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap());
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            steps.step("records for the calls", () -> {
                for (int i = 0; i < RECORDS; i++) {
                    byte[] value = ("value " + i).getBytes(StandardCharsets.UTF_8);
                    producer.send(new ProducerRecord<>(partition.topic(), partition.partition(), FIRST_TIMESTAMP + 1000L * i, null, value))
                            .get();
                }
            });
            steps.step("describeProducers", () -> {
                List<ProducerState> producers = Steps.get(admin.describeProducers(List.of(partition)).partitionResult(partition))
                        .activeProducers();
                Steps.check(producers.size() == 1, producers.size() + " producers");
                Steps.check(producers.get(0).lastSequence() == RECORDS - 1, "its last sequence is " + producers.get(0).lastSequence());
            });
        }
    }

    private String bootstrap() {
        try {
            var broker = Steps.get(admin.describeCluster().nodes()).iterator().next();
            return broker.host() + ":" + broker.port();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private void offsets() {
        offset("earliest", OffsetSpec.earliest(), 0);
        offset("latest", OffsetSpec.latest(), RECORDS);
        offset("at a time", OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 2500), 3);
        offset("after all times", OffsetSpec.forTimestamp(FIRST_TIMESTAMP + 1_000_000), -1);
        offset("of the greatest timestamp", OffsetSpec.maxTimestamp(), RECORDS - 1);
        offset("earliest local", OffsetSpec.earliestLocal(), 0);
    }

    private void offset(String name, OffsetSpec spec, long expected) {
        steps.step("listOffsets " + name, () -> {
            ListOffsetsResultInfo found = Steps.get(admin.listOffsets(Map.of(partition, spec)).partitionResult(partition));
            Steps.check(found.offset() == expected, found + " instead of " + expected);
        });
    }

    private void records() {
        steps.step("deleteRecords", () -> Steps.check(deleteBefore(4) == 4, "the low watermark is not 4"));
        offset("earliest after deleteRecords", OffsetSpec.earliest(), 4);
        steps.step("deleteRecords up to the high watermark", () ->
                Steps.check(deleteBefore(-1) == RECORDS, "the low watermark is not the end"));
        steps.refused("deleteRecords beyond the end", OffsetOutOfRangeException.class, () -> deleteBefore(1000));
    }

    private long deleteBefore(long offset) throws Exception {
        return Steps.get(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(offset))).lowWatermarks().get(partition))
                .lowWatermark();
    }

    private void logDirs() {
        steps.step("describeLogDirs", () -> {
            Map<String, LogDirDescription> folders = Steps.get(admin.describeLogDirs(List.of(node)).allDescriptions()).get(node);
            Steps.check(!folders.isEmpty(), "no folder");
            Steps.check(folders.values().stream().anyMatch(f -> f.replicaInfos().containsKey(partition)), "the partition is missing");
        });
    }

    private void replicas() {
        Set<TopicPartition> one = Set.of(partition);
        steps.step("electLeaders", () -> {
            Optional<Throwable> said = Steps.get(admin.electLeaders(ElectionType.PREFERRED, one).partitions()).get(partition);
            Steps.check(said.isEmpty() || said.get() instanceof ElectionNotNeededException, "it says " + said);
        });
        Optional<NewPartitionReassignment> stay = Optional.of(new NewPartitionReassignment(List.of(node)));
        steps.step("alterPartitionReassignments", () ->
                Steps.get(admin.alterPartitionReassignments(Map.of(partition, stay)).all()));
        steps.step("listPartitionReassignments", () ->
                Steps.await(Steps.get(admin.listPartitionReassignments(one).reassignments()).isEmpty(), "one goes on"));
        steps.refused("alterPartitionReassignments cancelling nothing", NoReassignmentInProgressException.class, () ->
                Steps.get(admin.alterPartitionReassignments(Map.of(partition, Optional.empty())).all()));
    }

    private void transactions() {
        steps.step("listTransactions", () ->
                Steps.check(Steps.get(admin.listTransactions().all()) != null, "no answer"));
        steps.refused("describeTransactions of an unknown id", TransactionalIdNotFoundException.class, () ->
                Steps.get(admin.describeTransactions(List.of("no-such-transaction")).all()));
    }

    private void features() {
        steps.refused("updateFeatures of an unknown feature", InvalidUpdateVersionException.class, () ->
                Steps.get(admin.updateFeatures(Map.of("no.such.feature", new FeatureUpdate((short) 1, FeatureUpdate.UpgradeType.UPGRADE)),
                        new UpdateFeaturesOptions().validateOnly(true)).all()));
    }
}
