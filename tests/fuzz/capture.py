#!/usr/bin/env python3
"""A TCP proxy that keeps what clients send: the captured seeds of the fuzzers.

    tests/fuzz/capture.py LISTEN_PORT BROKER_PORT FOLDER NAME

Start cambiumd with --kafka_advertise=127.0.0.1:LISTEN_PORT, so that clients come back through the proxy. Each connection becomes a
file FOLDER/NAME-<n>, cut after 4 KiB at the end of a frame. Ends with SIGTERM or SIGINT.
"""

import asyncio
import pathlib
import signal
import sys

KEPT_BYTES = 4096


def whole_frames(data):
    """The frames at the front of `data` that are whole and fit into what is kept."""
    end = 0
    while end + 4 <= len(data):
        size = 4 + int.from_bytes(data[end:end + 4], "big")
        if end + size > min(len(data), KEPT_BYTES):
            break
        end += size
    return data[:end]


async def pump(source, sink, kept=None):
    try:
        while data := await source.read(65536):
            if kept is not None and len(kept) < KEPT_BYTES:
                kept.extend(data)
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()


async def main(listen_port, broker_port, folder, name):
    connections = []

    async def serve(reader, writer):
        kept = bytearray()
        connections.append(kept)
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", broker_port)
        await asyncio.gather(pump(reader, broker_writer, kept), pump(broker_reader, writer))

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await asyncio.start_server(serve, "127.0.0.1", listen_port)
    await ended.wait()
    server.close()
    for number, kept in enumerate(connections):
        frames = whole_frames(bytes(kept))
        if frames:
            (pathlib.Path(folder) / f"{name}-{number}").write_bytes(frames)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
