# Python's client, sync or asyncio, over one transport: it sends texts in one go and reports
# what came back, one line of JSON for each burst.
# Usage: polls.py sync|asyncio polling|websocket URL COUNT...
import asyncio
import json
import sys
import threading

import socketio

kind, transport, url = sys.argv[1:4]
counts = [int(n) for n in sys.argv[4:]]


def texts(burst, count):
    # A few are so large that a compressed answer is put together from several parts.
    return ["%d of %d, burst %d: é👋%s" % (n, count, burst, " long" * 4000 * (n % 16 == 5)) for n in range(count)]


def report(burst, count, got):
    # The sync client hands each text on in a thread of its own: their order is not the server's.
    whole = sorted(got) == sorted(texts(burst, count))
    print(json.dumps({"count": count, "got": len(got), "whole": whole}), flush=True)


def run_sync():
    client = socketio.Client(reconnection=False)
    got, arrived, wanted = [], threading.Event(), 0

    @client.on("message")
    def message(data):
        got.append(data)
        if len(got) == wanted:
            arrived.set()

    client.on("disconnect", lambda *args: arrived.set())
    client.connect(url, transports=[transport])
    for burst, count in enumerate(counts):
        got.clear()
        arrived.clear()
        wanted = count
        for text in texts(burst, count):
            client.send(text)
        arrived.wait(60)
        report(burst, count, got)
    client.disconnect()


async def run_asyncio():
    client = socketio.AsyncClient(reconnection=False)
    got, arrived, wanted = [], asyncio.Event(), 0

    async def message(data):
        got.append(data)
        if len(got) == wanted:
            arrived.set()

    async def disconnect(*args):
        arrived.set()

    client.on("message", message)
    client.on("disconnect", disconnect)
    await client.connect(url, transports=[transport])
    for burst, count in enumerate(counts):
        got.clear()
        arrived.clear()
        wanted = count
        for text in texts(burst, count):
            await client.send(text)
        try:
            await asyncio.wait_for(arrived.wait(), 60)
        except asyncio.TimeoutError:
            pass
        report(burst, count, got)
    await client.disconnect()


if kind == "sync":
    run_sync()
else:
    asyncio.run(run_asyncio())
