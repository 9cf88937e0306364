"""A Cap'n Proto client in another language: produces, reads back by poll and by push, and commits offsets, through the schema alone.

    pycapnp_client.py HOST:PORT FOLDER-OF-THE-SCHEMA
"""

import asyncio
import os
import sys

import capnp


def check(condition, what):
    if not condition:
        raise SystemExit(f"pycapnp: {what}")


def accepted(result, what):
    check(result.error.code == "none", f"{what}: {result.error.code}: {result.error.message}")
    return result


async def main(address, schema_folder):
    # `-> stream` needs the folder that holds capnp/stream.capnp; the Python package brings its own.
    imports = [os.path.dirname(os.path.dirname(capnp.__file__)), "/usr/include"]
    schema = capnp.load(os.path.join(schema_folder, "cambium.capnp"), imports=imports)
    host, port = address.rsplit(":", 1)
    stream = await capnp.AsyncIoStream.create_connection(host=host, port=int(port))
    client = capnp.TwoPartyClient(stream)
    gate = client.bootstrap().cast_as(schema.Gate)
    broker = accepted(await gate.anonymous(client={"name": "interop", "software": "pycapnp"}), "gate").broker
    admin = accepted(await broker.admin(), "admin").admin

    created = await admin.createTopic("python", 2, [{"name": "segment.bytes", "value": "1048576"}])
    accepted(created, "createTopic")
    again = await admin.createTopic("python", 2)
    check(again.error.code == "topicAlreadyExists", f"a topic made twice: {again.error.code}")

    topic = accepted(await broker.topic("python"), "topic").topic
    partition = accepted(await topic.partition(1), "partition").partition

    # Several records per call, with keys, null keys, tombstones and headers; each codec.
    sent = []
    for number, codec in enumerate(["none", "gzip", "snappy", "lz4", "zstd"]):
        records = []
        for i in range(20):
            key = None if i % 5 == 0 else f"key-{number}-{i}".encode()
            value = None if i % 7 == 0 else f"value-{number}-{i} ".encode() * 20
            record = {"timestamp": 1_700_000_000_000 + number * 1000 + i,
                      "headers": [{"key": b"trace", "value": str(i).encode()}]}
            record.update({"key": key, "hasKey": True} if key is not None else {})
            record.update({"value": value} if value is not None else {"hasNullValue": True})
            records.append(record)
            sent.append((key, value, record["timestamp"]))
        appended = accepted(await partition.append(records=records, codec=codec, acks="all"), f"append {codec}").appended
        check(appended.baseOffset == number * 20, f"base offset {appended.baseOffset}")

    def plain(record):
        return (record.key if record.hasKey else None, None if record.hasNullValue else record.value, record.timestamp)

    # Poll.
    got, position = [], 0
    while position < len(sent):
        chunk = accepted(await partition.readRecords({"from": position, "bytesMax": 2000}), "readRecords").chunk
        check([r.offset for r in chunk.records] == list(range(position, chunk.nextOffset)), "offsets of a chunk")
        got += [plain(r) for r in chunk.records]
        position = chunk.nextOffset
    check(got == sent, "what was read by poll differs from what was sent")

    # Push.
    class Sink(schema.RecordSink.Server):
        def __init__(self):
            self.got, self.finished = [], asyncio.get_running_loop().create_future()

        async def push(self, delivery, **kwargs):
            self.got += [plain(r) for r in delivery.records]

        async def done(self, error, **kwargs):
            self.finished.set_result(error.code)

    sink = Sink()
    subscribed = accepted(await partition.subscribe(10, sink, {"format": "records", "bytesPerPush": 1500, "endOffset": 90}),
                          "subscribe")
    check(await asyncio.wait_for(sink.finished, 20) == "none", "a subscription ended with an error")
    check(sink.got == sent[10:90], "what was pushed differs from what was sent")
    del subscribed

    # Offsets: by time, and of a group.
    found = accepted(await partition.findOffset({"timestamp": 1_700_000_002_005}), "findOffset").found
    check(found.offset == 45 and found.timestamp == 1_700_000_002_005, f"offset for a time: {found}")
    offsets = accepted(await broker.groupOffsets("snakes"), "groupOffsets").offsets
    accepted(await offsets.commit([{"topic": "python", "partition": 1, "offset": 42, "metadata": "ä"}]), "commit")
    fetched = accepted(await offsets.fetch([{"topic": "python", "partition": 1}, {"topic": "python", "partition": 0}]), "fetch")
    check([o.offset for o in fetched.offsets] == [42, -1], "committed offsets")
    check(fetched.offsets[0].metadata == "ä", "metadata of a commit")

    # Errors are values.
    missing = await broker.topic("no-such-topic")
    check(missing.error.code == "unknownTopicOrPartition", f"unknown topic: {missing.error.code}")
    beyond = await partition.readRecords({"from": 10_000})
    check(beyond.error.code == "offsetOutOfRange", f"offset beyond the end: {beyond.error.code}")

    # A long poll is answered by an append that comes later.
    waiting = asyncio.ensure_future(as_coroutine(partition.readRecords({"from": len(sent), "waitMsMax": 20_000})))
    accepted(await partition.append(records=[{"value": b"late"}], acks="all"), "append")
    late = accepted(await asyncio.wait_for(waiting, 20), "long poll").chunk
    check(late.records[0].value == b"late", "what a long poll brought")

    accepted(await admin.deleteTopic("python"), "deleteTopic")
    gone = await topic.describe()
    check(gone.error.code == "unknownTopicOrPartition", f"a deleted topic: {gone.error.code}")
    print(f"pycapnp {capnp.__version__}: {len(sent)} records by poll and push, every codec, offsets, errors, long poll")


async def as_coroutine(promise):
    return await promise


if __name__ == "__main__":
    asyncio.run(capnp.run(main(sys.argv[1], sys.argv[2])))
