import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * TOPIC GROUP COUNT: a member of the group that prints what it reads until COUNT records came (0: until SIGTERM), then leaves. What was
 * printed is committed twice a second, before partitions are given up and before leaving.
 */
final class Consume implements ConsumerRebalanceListener {
    private static final long COMMIT_INTERVAL_NS = 500_000_000L;
    private static final long LEAVE_MS_MAX = 30_000;

    private final String topic;
    private final long count;
    private final KafkaConsumer<String, String> consumer;
    private final Map<TopicPartition, OffsetAndMetadata> uncommitted = new HashMap<>();
    private long lastCommitNs = System.nanoTime();
    private long printed;

    Consume(String bootstrap, String topic, String group, long count) {
        this.topic = topic;
        this.count = count;
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 6000);
        properties.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 500);
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    }

    int run() {
        Runtime.getRuntime().addShutdownHook(new Thread(this::leaveOnSignal));
        try {
            consumer.subscribe(List.of(topic), this);
            while (count == 0 || printed < count) {
                step();
            }
        } catch (WakeupException signal) {
            // SIGTERM: leave as after the last record.
        }
        try {
            try {
                commit(uncommitted);
            } catch (WakeupException signal) {
                // Committed all the same.
            }
            consumer.close();
        } finally {
            RecordLine.flush();
        }
        return 0;
    }

    /** On the thread of the signal: the virtual machine would end, with 143, as this returns; Main ends it before. */
    private void leaveOnSignal() {
        consumer.wakeup();
        try {
            Thread.sleep(LEAVE_MS_MAX);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void step() {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
            if (count > 0 && printed == count) {
                break;
            }
            RecordLine.print(record);
            printed++;
            uncommitted.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
        RecordLine.flush();
        if (System.nanoTime() - lastCommitNs >= COMMIT_INTERVAL_NS) {
            commit(uncommitted);
        }
    }

    private void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        lastCommitNs = System.nanoTime();
        if (offsets.isEmpty()) {
            return;
        }
        Map<TopicPartition, OffsetAndMetadata> asked = Map.copyOf(offsets);
        try {
            consumer.commitSync(asked);
            uncommitted.keySet().removeAll(asked.keySet());
        } catch (RebalanceInProgressException e) {
            // The next poll() joins again, and what is given up there is committed in onPartitionsRevoked().
        } catch (WakeupException signal) {
            consumer.commitSync(asked);
            uncommitted.keySet().removeAll(asked.keySet());
            throw signal;
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        say("assigned", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        Map<TopicPartition, OffsetAndMetadata> mine = new HashMap<>(uncommitted);
        mine.keySet().retainAll(partitions);
        commit(mine);
        say("revoked", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        uncommitted.keySet().removeAll(partitions);
        say("revoked", partitions);
    }

    private static void say(String what, Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty()) {
            System.err.println(what + " " + partitions.stream().map(TopicPartition::partition).sorted().map(String::valueOf)
                    .collect(Collectors.joining(",")));
        }
    }
}
