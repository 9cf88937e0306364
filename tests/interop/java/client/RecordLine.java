import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** How a consumed record is printed: partition, offset, key, value and the header "line", with tabs between. */
final class RecordLine {
    private static final PrintStream OUT =
            new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false, StandardCharsets.UTF_8);

    private RecordLine() {}

    static void print(ConsumerRecord<String, String> record) {
        Header line = record.headers().lastHeader("line");
        String number = line == null ? "" : new String(line.value(), StandardCharsets.UTF_8);
        OUT.print(record.partition() + "\t" + record.offset() + "\t" + record.key() + "\t" + record.value() + "\t" + number + "\n");
    }

    static void flush() {
        OUT.flush();
    }
}
