import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The admin calls on a consumer group: with a member (one of this process), and without. */
final class GroupCalls {
    private final String bootstrap;
    private final Admin admin;
    private final Steps steps;
    private final String topic;
    private final String group;
    private final TopicPartition partition;

    GroupCalls(String bootstrap, Admin admin, Steps steps, String topic) {
        this.bootstrap = bootstrap;
        this.admin = admin;
        this.steps = steps;
        this.topic = topic;
        this.group = topic + "-group";
        this.partition = new TopicPartition(topic, 1);
    }

    void all() {
        try (KafkaConsumer<byte[], byte[]> member = join()) {
            withMember(member);
        }
        withoutMember();
        deletion();
    }

    private KafkaConsumer<byte[], byte[]> join() {
        Properties properties = new Properties();
        properties.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        properties.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "instance-1");
        properties.put(ConsumerConfig.CLIENT_ID_CONFIG, "admin-member");
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        KafkaConsumer<byte[], byte[]> member =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        member.subscribe(List.of(topic));
        steps.step("a member for the calls", () -> {
            member.poll(Duration.ofMillis(200));
            Steps.await(member.assignment().size() == 4, "it has " + member.assignment());
        });
        return member;
    }

    private void withMember(KafkaConsumer<byte[], byte[]> member) {
        steps.step("listGroups", () -> {
            String state = VersionCalls.listedStates(admin).get(group);
            Steps.check("Stable".equals(state), "its state is " + state);
        });
        steps.step("describeConsumerGroups", () -> {
            ConsumerGroupDescription found = describe();
            Steps.check(VersionCalls.state(found).equals("Stable") && found.members().size() == 1, "it is " + found);
            var one = found.members().iterator().next();
            Steps.check(one.clientId().equals("admin-member") && one.groupInstanceId().orElse("").equals("instance-1")
                    && one.assignment().topicPartitions().size() == 4 && one.host().contains("127.0.0.1"), "its member is " + one);
            Steps.check(found.partitionAssignor().equals("range") && found.coordinator() != null, "it is " + found);
        });
        steps.step("commitSync of the member", () -> member.commitSync(Map.of(partition, new OffsetAndMetadata(0, "a note"))));
        steps.step("listConsumerGroupOffsets", () -> expectOffset(0, "a note"));
        steps.refused("alterConsumerGroupOffsets of a group with members", UnknownMemberIdException.class, () ->
                Steps.get(admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(1))).all()));
        steps.refused("deleteConsumerGroupOffsets of a topic in use", GroupSubscribedToTopicException.class, () ->
                Steps.get(admin.deleteConsumerGroupOffsets(group, Set.of(partition)).partitionResult(partition)));
        steps.refused("deleteConsumerGroups with members", GroupNotEmptyException.class, () ->
                Steps.get(admin.deleteConsumerGroups(List.of(group)).all()));
        steps.step("removeMembersFromConsumerGroup", () -> Steps.get(admin.removeMembersFromConsumerGroup(group,
                new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("instance-1")))).all()));
    }

    private void withoutMember() {
        steps.step("describeConsumerGroups when it is empty", () -> {
            ConsumerGroupDescription found = describe();
            Steps.await(VersionCalls.state(found).equals("Empty") && found.members().isEmpty(), "it is " + found);
        });
        steps.step("alterConsumerGroupOffsets", () ->
                Steps.get(admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(7, "seven"))).all()));
        steps.step("listConsumerGroupOffsets after alterConsumerGroupOffsets", () -> expectOffset(7, "seven"));
        steps.step("deleteConsumerGroupOffsets", () ->
                Steps.get(admin.deleteConsumerGroupOffsets(group, Set.of(partition)).partitionResult(partition)));
        steps.step("listConsumerGroupOffsets after deleteConsumerGroupOffsets", () ->
                Steps.check(offsets().get(partition) == null, "there is still " + offsets()));
    }

    private void deletion() {
        steps.step("deleteConsumerGroups", () -> Steps.get(admin.deleteConsumerGroups(List.of(group)).all()));
        steps.step("listGroups after deleteConsumerGroups", () ->
                Steps.await(!VersionCalls.listedStates(admin).containsKey(group), "it is still listed"));
        steps.refused("deleteConsumerGroups of an unknown group", GroupIdNotFoundException.class, () ->
                Steps.get(admin.deleteConsumerGroups(List.of(group)).all()));
    }

    private ConsumerGroupDescription describe() throws Exception {
        return Steps.get(admin.describeConsumerGroups(List.of(group)).all()).get(group);
    }

    private Map<TopicPartition, OffsetAndMetadata> offsets() throws Exception {
        return Steps.get(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
    }

    private void expectOffset(long offset, String metadata) throws Exception {
        OffsetAndMetadata found = offsets().get(partition);
        Steps.check(found != null && found.offset() == offset && found.metadata().equals(metadata), "it is " + found);
    }
}
