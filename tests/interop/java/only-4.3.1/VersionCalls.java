import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.common.config.ConfigResource;

/** What the client of 4.3.1 calls by other names than that of 3.9.2, or alone. */
final class VersionCalls {
    private VersionCalls() {}

    static void all(Admin admin, Steps steps, String topic) {
        steps.step("listGroups of every type", () -> Steps.check(Steps.get(admin.listGroups().all()) != null, "no answer"));
        steps.step("listConfigResources", () ->
                Steps.check(Steps.get(admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new ListConfigResourcesOptions()).all())
                        .contains(new ConfigResource(ConfigResource.Type.TOPIC, topic)), "the topic is missing"));
        steps.step("listTransactions by pattern", () ->
                Steps.check(Steps.get(admin.listTransactions(new ListTransactionsOptions().filterOnTransactionalIdPattern("no.*")).all())
                        .isEmpty(), "there are some"));
    }

    /** Group ids with their states. */
    static Map<String, String> listedStates(Admin admin) throws Exception {
        return Steps.get(admin.listGroups(ListGroupsOptions.forConsumerGroups()).all()).stream()
                .collect(Collectors.toMap(g -> g.groupId(), g -> String.valueOf(g.groupState().orElse(null))));
    }

    static String state(ConsumerGroupDescription description) {
        return description.groupState().toString();
    }
}
