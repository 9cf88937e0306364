import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs many of Kafka's tools in one virtual machine. A line of stdin is one call: the main class, the file that is its stdin (or
 * nothing), then its arguments, with tabs between. The answer on stdout is "CODE STDOUT_BYTES STDERR_BYTES", a line feed and those bytes.
 */
final class ToolRunner {
    private static final class Ended extends Error {
        private static final long serialVersionUID = 1;

        Ended(int code) {
            super("exit code " + code, null, false, false);
        }
    }

    /** Takes what is printed; stays the same object, as some tools keep the stream that they found first. */
    private static final class Capture extends OutputStream {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public synchronized void write(int b) {
            bytes.write(b);
        }

        @Override
        public synchronized void write(byte[] from, int offset, int count) {
            bytes.write(from, offset, count);
        }

        synchronized byte[] take() {
            byte[] taken = bytes.toByteArray();
            bytes.reset();
            return taken;
        }
    }

    private static final List<Runnable> HOOKS = new CopyOnWriteArrayList<>();
    private static Integer firstCode;

    private ToolRunner() {}

    public static void main(String[] arguments) throws IOException {
        BufferedReader calls =
                new BufferedReader(new InputStreamReader(new FileInputStream(FileDescriptor.in), StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), false);
        Capture out = new Capture();
        Capture err = new Capture();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        Exit.Procedure end = (code, message) -> {
            if (message != null) {
                System.err.println(message);
            }
            firstCode = firstCode == null ? code : firstCode;  // A tool that catches everything catches the end too, and ends again.
            throw new Ended(code);
        };
        Exit.setExitProcedure(end);
        Exit.setHaltProcedure(end);
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
        for (String line = calls.readLine(); line != null; line = calls.readLine()) {
            firstCode = null;
            int code = call(line.split("\t", -1));
            HOOKS.forEach(Runnable::run);  // What a tool does when its virtual machine ends, as closing its producer.
            HOOKS.clear();
            System.out.flush();
            System.err.flush();
            byte[] printed = out.take();
            byte[] complained = err.take();
            answers.print(code + " " + printed.length + " " + complained.length + "\n");
            answers.write(printed, 0, printed.length);
            answers.write(complained, 0, complained.length);
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static int call(String[] words) throws IOException {
        System.setIn(new ByteArrayInputStream(words[1].isEmpty() ? new byte[0] : Files.readAllBytes(Path.of(words[1]))));
        try {
            Class.forName(words[0]).getMethod("main", String[].class)
                    .invoke(null, (Object) Arrays.copyOfRange(words, 2, words.length));
            return firstCode == null ? 0 : firstCode;
        } catch (InvocationTargetException e) {
            if (firstCode != null) {
                return firstCode;
            }
            e.getCause().printStackTrace();
            return 1;
        } catch (ReflectiveOperationException e) {
            e.printStackTrace();
            return 1;
        }
    }
}
