import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.StringSerializer;

/** TOPIC CODEC FILE [NAME=VALUE...]: sends each line "key TAB value" with the header "line", idempotent; prints "acked N". */
final class Produce {
    private Produce() {}

    static int run(String bootstrap, String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, arguments[1]);
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 5);
        for (int i = 3; i < arguments.length; i++) {
            String[] setting = arguments[i].split("=", 2);
            properties.put(setting[0], setting[1]);
        }
        List<String> lines = Files.readAllLines(Path.of(arguments[2]), StandardCharsets.UTF_8);
        AtomicLong acked = new AtomicLong();
        AtomicReference<Exception> firstFailure = new AtomicReference<>();
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            for (int number = 1; number <= lines.size() && firstFailure.get() == null; number++) {
                producer.send(record(arguments[0], lines.get(number - 1), number), (metadata, failure) -> {
                    if (failure == null) {
                        acked.incrementAndGet();
                    } else {
                        firstFailure.compareAndSet(null, failure);
                    }
                });
            }
            producer.flush();
        }
        System.out.println("acked " + acked.get());
        if (firstFailure.get() != null) {
            throw firstFailure.get();
        }
        return acked.get() == lines.size() ? 0 : 1;
    }

    private static ProducerRecord<String, String> record(String topic, String line, int number) {
        String[] fields = line.split("\t", 2);
        ProducerRecord<String, String> record = new ProducerRecord<>(topic, fields[0], fields[1]);
        record.headers().add(new RecordHeader("line", Integer.toString(number).getBytes(StandardCharsets.UTF_8)));
        return record;
    }
}
