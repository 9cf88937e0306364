import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.protocol.Message;

/** write FILE SEED SAMPLES | read FILE: see the README. */
final class Messages {
    private static final int FAILURES_SHOWN = 50;

    private Messages() {}

    public static void main(String[] arguments) throws Exception {
        boolean good;
        if (arguments.length == 4 && arguments[0].equals("write")) {
            good = write(Path.of(arguments[1]), Long.parseLong(arguments[2]), Integer.parseInt(arguments[3]));
        } else if (arguments.length == 2 && arguments[0].equals("read")) {
            good = read(Path.of(arguments[1]));
        } else {
            System.err.println("expected: write FILE SEED SAMPLES | read FILE");
            good = false;
        }
        System.exit(good ? 0 : 1);
    }

    private static boolean write(Path path, long seed, int samples) throws Exception {
        long lines = 0;
        List<MessageClass> classes = MessageClass.all();
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(path, StandardCharsets.UTF_8))) {
            for (MessageClass one : classes) {
                // Each class has a generator of its own, so that a class which comes or goes does not change the others' content.
                Generator generator = new Generator(new Random(seed ^ one.name.hashCode()), one.schema());
                for (short version = one.lowest; version <= one.highest; version++) {
                    for (int sample = 0; sample < samples; sample++) {
                        out.println(line(one, version, generator.message(version, sample)));
                        lines++;
                    }
                }
            }
        }
        System.out.println(lines + " messages of " + classes.size() + " classes written, seed " + seed);
        return true;
    }

    private static String line(MessageClass one, short version, JsonNode content) throws Exception {
        try {
            Message message = one.fromJson(content, version);
            byte[] bytes = MessageClass.serialize(message, version);
            Message again = one.parse(bytes, version);
            if (!Arrays.equals(bytes, MessageClass.serialize(again, version))) {
                throw new IOException("the class does not write again what it read");
            }
            String json = one.toJson(message, version).toString();
            return one.apiKey + "\t" + one.kind + "\t" + version + "\t" + HexFormat.of().formatHex(bytes) + "\t" + json;
        } catch (Exception e) {
            throw new IOException(one.name + " version " + version + ": " + content, e);
        }
    }

    private static boolean read(Path path) throws Exception {
        Map<String, MessageClass> classes = new HashMap<>();
        for (MessageClass one : MessageClass.all()) {
            classes.put(one.apiKey + "\t" + one.kind, one);
        }
        long number = 0;
        long good = 0;
        long unknown = 0;
        try (BufferedReader in = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                String[] fields = line.split("\t", 5);
                MessageClass one = fields.length < 4 ? null : classes.get(fields[0] + "\t" + fields[1]);
                short version = one == null ? 0 : Short.parseShort(fields[2]);
                if (one == null || version < one.lowest || version > one.highest) {
                    unknown++;  // Ours may serve versions that this one does not have.
                    continue;
                }
                String wrong = wrong(one, version, fields[3]);
                if (wrong == null) {
                    good++;
                } else if (number - good - unknown <= FAILURES_SHOWN) {
                    System.out.println("failed line " + number + ": " + one.name + " version " + version + ": " + wrong);
                }
            }
        }
        System.out.println(good + " messages of " + number + " read and written again to the same bytes, " + unknown
                + " of versions that this client does not have");
        return good > 0 && good + unknown == number;
    }

    /** Null, or what is wrong with it. */
    private static String wrong(MessageClass one, short version, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        try {
            byte[] again = MessageClass.serialize(one.parse(bytes, version), version);
            if (Arrays.equals(bytes, again)) {
                return null;
            }
            int first = Arrays.mismatch(bytes, again);
            return "written again it differs from byte " + first + ": " + hex + " became " + HexFormat.of().formatHex(again);
        } catch (Exception e) {
            return e + ": " + hex;
        }
    }
}
