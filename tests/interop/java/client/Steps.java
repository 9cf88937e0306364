import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.RetriableException;

/** Runs named calls one after the other and prints "ok NAME" or "failed NAME: reason" for each. */
final class Steps {
    private static final long SETTLE_NS = 10_000_000_000L;
    private static final long SETTLE_INTERVAL_MS = 100;

    interface Body {
        void run() throws Exception;
    }

    private int failed;

    int failed() {
        return failed;
    }

    /** Again for ten seconds where the answer says so: a broker may still be spreading what the last call changed. */
    void step(String name, Body body) {
        long end = System.nanoTime() + SETTLE_NS;
        Throwable failure = attempt(body);
        while ((failure instanceof RetriableException || failure instanceof NotYet) && System.nanoTime() < end) {
            pause();
            failure = attempt(body);
        }
        if (failure == null) {
            System.out.println("ok " + name);
        } else {
            failed++;
            System.out.println("failed " + name + ": " + String.valueOf(failure).replace('\n', ' '));
        }
    }

    /** The call must be refused, with that very error: some of the client's errors are kinds of others. */
    void refused(String name, Class<? extends Exception> expected, Body body) {
        step(name + " refused with " + expected.getSimpleName().replace("Exception", ""), () -> {
            Throwable failure = attempt(body);
            if (failure instanceof NotYet notYet) {
                throw notYet;
            }
            check(failure != null && failure.getClass() == expected, failure == null ? "it was accepted" : "it failed with " + failure);
        });
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }

    /** What a broker may show a moment later. */
    static void await(boolean holds, String otherwise) {
        if (!holds) {
            throw new NotYet(otherwise);
        }
    }

    static <T> T get(KafkaFuture<T> future) throws Exception {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    private static Throwable attempt(Body body) {
        try {
            body.run();
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (Exception e) {
            return e;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(SETTLE_INTERVAL_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static final class NotYet extends IllegalStateException {
        private static final long serialVersionUID = 1;

        NotYet(String what) {
            super(what);
        }
    }
}
