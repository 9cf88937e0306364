import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;

/**
 * Random content for a message, as JSON, from its schema: only fields of the version, null only where the version allows it. The first
 * sample of a message is as empty as can be, the second has everything, the others are mixed.
 */
final class Generator {
    static final int EMPTY = 0;
    static final int FULL = 1;

    private static final ObjectMapper SCHEMAS = JsonMapper.builder().enable(JsonParser.Feature.ALLOW_COMMENTS).build();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    // Both sides of the borders of a varint's bytes: a compact length is one more than the length.
    private static final int[] SPECIAL_LENGTHS = {126, 127, 128, 200, 300};
    private static final String[] LETTERS =
            {"a", "b", "Z", "0", "9", ".", "-", "_", " ", "\"", "\\", "\n", "\u00e9", "\u20ac", "\ud83d\ude00"};
    private static final int ARRAY_LENGTH_MAX = 3;

    private final Random random;
    private final JsonNode schema;
    private final Map<String, JsonNode> commonStructs = new HashMap<>();
    private int sample;
    private int version;

    Generator(Random random, InputStream schemaText) throws IOException {
        this.random = random;
        try (schemaText) {
            schema = SCHEMAS.readTree(schemaText);
        }
        for (JsonNode struct : schema.path("commonStructs")) {
            commonStructs.put(struct.get("name").asText(), struct.get("fields"));
        }
    }

    JsonNode message(int ofVersion, int ofSample) {
        version = ofVersion;
        sample = ofSample;
        return struct(schema.get("fields"));
    }

    private ObjectNode struct(JsonNode fields) {
        ObjectNode made = NODES.objectNode();
        for (JsonNode field : fields) {
            if (Versions.parse(field.get("versions").asText()).contain(version)) {
                boolean tagged = field.has("taggedVersions") && Versions.parse(field.get("taggedVersions").asText()).contain(version);
                if (!tagged || sample == FULL || (sample != EMPTY && random.nextBoolean())) {
                    String name = field.get("name").asText();
                    made.set(Character.toLowerCase(name.charAt(0)) + name.substring(1), value(field));
                }
            }
        }
        return made;
    }

    private JsonNode value(JsonNode field) {
        boolean nullable = field.has("nullableVersions") && Versions.parse(field.get("nullableVersions").asText()).contain(version);
        if (nullable && sample != FULL && (sample == EMPTY || random.nextInt(4) == 0)) {
            return NullNode.instance;
        }
        String type = field.get("type").asText();
        if (!type.startsWith("[]")) {
            return single(type, field);
        }
        ArrayNode array = NODES.arrayNode();
        int length = sample == EMPTY ? 0 : sample == FULL ? 1 + random.nextInt(ARRAY_LENGTH_MAX) : random.nextInt(ARRAY_LENGTH_MAX + 1);
        for (int i = 0; i < length; i++) {
            array.add(single(type.substring(2), field));
        }
        return array;
    }

    private JsonNode single(String type, JsonNode field) {
        return switch (type) {
            case "bool" -> NODES.booleanNode(random.nextBoolean());
            case "int8" -> NODES.numberNode((byte) integer(8));
            case "int16" -> NODES.numberNode((short) integer(16));
            case "uint16" -> NODES.numberNode((int) (integer(16) & 0xffff));
            case "int32" -> NODES.numberNode((int) integer(32));
            case "uint32" -> NODES.numberNode(integer(32) & 0xffffffffL);
            case "int64" -> NODES.numberNode(integer(64));
            case "float64" -> NODES.numberNode(random.nextGaussian() * 1e6);
            case "uuid" -> NODES.textNode(new Uuid(random.nextLong(), random.nextLong()).toString());
            case "string" -> NODES.textNode(text());
            case "bytes", "records" -> NODES.binaryNode(bytes());
            default -> struct(field.has("fields") ? field.get("fields") : commonStructs.get(type));
        };
    }

    /** Small ones, the borders and anything, in so many bits. */
    private long integer(int bits) {
        long anything = random.nextLong();
        return switch (random.nextInt(6)) {
            case 0 -> -1;
            case 1 -> 0;
            case 2 -> bits == 64 ? Long.MAX_VALUE : (1L << (bits - 1)) - 1;
            case 3 -> bits == 64 ? Long.MIN_VALUE : -(1L << (bits - 1));
            case 4 -> random.nextInt(100);
            default -> anything >> (64 - bits);
        };
    }

    private int length() {
        if (sample == EMPTY) {
            return 0;
        }
        return random.nextInt(40) == 0 ? SPECIAL_LENGTHS[random.nextInt(SPECIAL_LENGTHS.length)] : random.nextInt(16);
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        for (int length = length(); length > 0; length--) {
            text.append(LETTERS[random.nextInt(LETTERS.length)]);
        }
        return text.toString();
    }

    private byte[] bytes() {
        byte[] bytes = new byte[length()];
        random.nextBytes(bytes);
        return bytes;
    }
}
