import java.util.Arrays;

/**
 * The Java client as the interop harness calls it: COMMAND BOOTSTRAP ARGS... (create, produce, consume, admin), and "dump TOPIC", which
 * prints all that stands in a topic, without a group. Exit code 0: done; 1: it failed, and stderr says why; 2: not a command.
 */
final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        int code;
        try {
            code = arguments.length < 3 ? usage() : run(arguments[0], arguments[1], Arrays.copyOfRange(arguments, 2, arguments.length));
        } catch (Throwable failure) {
            System.err.println(arguments[0] + " failed: " + failure);
            failure.printStackTrace();
            code = 1;
        }
        System.out.flush();
        System.err.flush();
        // A SIGTERM that was answered by leaving ends with the same code as leaving by itself, not with 143.
        Runtime.getRuntime().halt(code);
    }

    private static int run(String command, String bootstrap, String[] arguments) throws Exception {
        return switch (command) {
            case "create" -> new AdminCalls(bootstrap, arguments[0]).create(Integer.parseInt(arguments[1]));
            case "produce" -> Produce.run(bootstrap, arguments);
            case "consume" -> new Consume(bootstrap, arguments[0], arguments[1], Long.parseLong(arguments[2])).run();
            case "admin" -> new AdminCalls(bootstrap, arguments[0]).all();
            case "dump" -> Dump.run(bootstrap, arguments[0]);
            default -> usage();
        };
    }

    private static int usage() {
        System.err.println("expected: create|produce|consume|admin|dump BOOTSTRAP ARGS...");
        return 2;
    }
}
