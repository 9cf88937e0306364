import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.common.config.ConfigResource;

/** What the client of 3.9.2 calls by other names than that of 4.3.1, or alone. */
final class VersionCalls {
    private VersionCalls() {}

    @SuppressWarnings("deprecation")  // alterConfigs left the client with 4.0, but not the protocol.
    static void all(Admin admin, Steps steps, String topic) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        steps.step("alterConfigs", () -> {
            Config wanted = new Config(List.of(new ConfigEntry("retention.ms", "7200000")));
            Steps.get(admin.alterConfigs(Map.of(resource, wanted)).all());
        });
        steps.step("describeConfigs after alterConfigs", () -> Steps.await(
                Steps.get(admin.describeConfigs(List.of(resource)).all()).get(resource).get("retention.ms").value().equals("7200000"),
                "not what was set"));
        steps.step("listClientMetricsResources", () -> Steps.get(admin.listClientMetricsResources().all()));
    }

    /** Group ids with their states. */
    static Map<String, String> listedStates(Admin admin) throws Exception {
        return Steps.get(admin.listConsumerGroups().all()).stream()
                .collect(Collectors.toMap(g -> g.groupId(), g -> String.valueOf(g.state().orElse(null))));
    }

    static String state(ConsumerGroupDescription description) {
        return description.state().toString();
    }
}
