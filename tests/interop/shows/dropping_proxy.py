"""A TCP proxy that drops connections at random, from a seed: each after a number of bytes, in either direction, so that requests and
answers are cut in their middle."""

import random
import socket
import threading

CHUNK_BYTES = 16384


class Answers:
    """Follows the frames (a length of four bytes, then so many) of one direction."""

    def __init__(self):
        self.heading = b""
        self.left = 0

    def pass_on(self, data):
        while data:
            if self.left > 0:
                taken = min(self.left, len(data))
                self.left -= taken
                data = data[taken:]
                continue
            missing = 4 - len(self.heading)
            self.heading += data[:missing]
            data = data[missing:]
            if len(self.heading) == 4:
                self.left = int.from_bytes(self.heading, "big")
                self.heading = b""

    def inside(self):
        return self.left > 0 or len(self.heading) > 0


class DroppingProxy:
    """Listens from the beginning on a free port; passes on to target() once serve() was called. drops and drops_inside_answers count.
    While calm is set nothing is dropped."""

    def __init__(self, seed, request_bytes_max, answer_bytes_max):
        self.random = random.Random(seed)
        self.limits = (request_bytes_max, answer_bytes_max)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.calm = False
        self.connections = self.drops = self.drops_inside_answers = 0

    def serve(self, target):
        threading.Thread(target=self._accept, args=(target,), daemon=True).start()

    def close(self):
        self.calm = True
        self.listener.close()

    def _accept(self, target):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            try:
                broker = socket.create_connection(target, timeout=10)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            for one in (client, broker):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                budgets = [self.random.randint(1, limit) for limit in self.limits]
            answers = Answers()
            for source, sink, budget, frames in [(client, broker, budgets[0], None), (broker, client, budgets[1], answers)]:
                threading.Thread(target=self._pass_on, args=(source, sink, budget, frames, answers), daemon=True).start()

    def _pass_on(self, source, sink, budget, frames, answers):
        """Until one side closes or the budget is used up; then both connections end."""
        try:
            while data := source.recv(CHUNK_BYTES):
                dropped = not self.calm and len(data) >= budget
                if dropped:
                    data = data[:budget]
                budget -= len(data)
                sink.sendall(data)
                if frames is not None:
                    frames.pass_on(data)
                if dropped:
                    with self.lock:
                        self.drops += 1
                        self.drops_inside_answers += answers.inside()
                    break
        except OSError:
            pass  # The other direction closed it.
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
