import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * One of the message classes of kafka-clients, with its versions, its schema and its way from and to JSON. Kind is "request", "response",
 * or, with -1 for the API key, "request-header" or "response-header".
 */
final class MessageClass {
    final short apiKey;
    final String kind;
    final String name;
    final short lowest;
    final short highest;
    private final Constructor<?> constructor;
    private final Method fromJson;
    private final Method toJson;

    private MessageClass(short apiKey, String kind, String name, short lowest, short highest) throws ReflectiveOperationException {
        this.apiKey = apiKey;
        this.kind = kind;
        this.name = name;
        this.lowest = lowest;
        this.highest = highest;
        Class<?> data = Class.forName("org.apache.kafka.common.message." + name + "Data");
        Class<?> converter = Class.forName(data.getName() + "JsonConverter");
        constructor = data.getConstructor();
        fromJson = converter.getMethod("read", JsonNode.class, short.class);
        toJson = converter.getMethod("write", data, short.class, boolean.class);
    }

    /** Every request and response of a client's protocol, and the headers. */
    static List<MessageClass> all() throws ReflectiveOperationException {
        List<MessageClass> all = new ArrayList<>();
        for (ApiMessageType api : ApiMessageType.values()) {
            short highest = api.highestSupportedVersion(true);
            if (api.lowestSupportedVersion() <= highest) {
                for (Message message : List.of(api.newRequest(), api.newResponse())) {
                    String name = message.getClass().getSimpleName().replaceAll("Data$", "");
                    String kind = name.endsWith("Request") ? "request" : "response";
                    all.add(new MessageClass(api.apiKey(), kind, name, api.lowestSupportedVersion(), highest));
                }
            }
        }
        for (String kind : List.of("request", "response")) {
            String name = kind.equals("request") ? "RequestHeader" : "ResponseHeader";
            Message header = (Message) Class.forName("org.apache.kafka.common.message." + name + "Data").getConstructor().newInstance();
            all.add(new MessageClass((short) -1, kind + "-header", name, header.lowestSupportedVersion(),
                    header.highestSupportedVersion()));
        }
        return all;
    }

    /** The text of the schema, which the jar carries. */
    InputStream schema() throws IOException {
        InputStream schema = MessageClass.class.getResourceAsStream("/common/message/" + name + ".json");
        if (schema == null) {
            throw new IOException("no schema of " + name + " in the jar");
        }
        return schema;
    }

    Message fromJson(JsonNode json, short version) throws Exception {
        return (Message) invoke(fromJson, json, version);
    }

    JsonNode toJson(Message message, short version) throws Exception {
        return (JsonNode) invoke(toJson, message, version, true);
    }

    /** Reads a message; says of what remains behind it that it should not be there. */
    Message parse(byte[] bytes, short version) throws Exception {
        Message message = (Message) constructor.newInstance();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        message.read(new ByteBufferAccessor(buffer), version);
        if (buffer.hasRemaining()) {
            throw new IOException(buffer.remaining() + " bytes remain behind the message");
        }
        return message;
    }

    static byte[] serialize(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) {
            throw new IllegalStateException("it is smaller than its class said");
        }
        return buffer.array();
    }

    private static Object invoke(Method method, Object... arguments) throws Exception {
        try {
            return method.invoke(null, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
