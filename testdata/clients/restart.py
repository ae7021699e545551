# Python's client, sync or asyncio, whose server goes away and comes back at the same
# address: it has to return by itself, and to be heard then.
# Usage: restart.py sync|asyncio polling|websocket URL
import asyncio
import json
import sys
import threading

import socketio

kind, transport, url = sys.argv[1:4]
options = {"reconnection_delay": 0.05, "reconnection_delay_max": 0.2}
text = "python is back"


def report(event):
    print(json.dumps({"event": event}), flush=True)


def run_sync():
    client = socketio.Client(**options)
    connects, heard = [], threading.Event()

    @client.event
    def connect():
        connects.append(1)
        if len(connects) == 2:
            client.send(text)

    @client.on("message")
    def message(data):
        if data == text:
            heard.set()

    client.connect(url, transports=[transport])
    report("waiting")
    if heard.wait(40):
        report("back")
    client.disconnect()


async def run_asyncio():
    client = socketio.AsyncClient(**options)
    connects, heard = [], asyncio.Event()

    @client.event
    async def connect():
        connects.append(1)
        if len(connects) == 2:
            await client.send(text)

    @client.on("message")
    async def message(data):
        if data == text:
            heard.set()

    await client.connect(url, transports=[transport])
    report("waiting")
    try:
        await asyncio.wait_for(heard.wait(), 40)
        report("back")
    except asyncio.TimeoutError:
        pass
    await client.disconnect()


if kind == "sync":
    run_sync()
else:
    asyncio.run(run_asyncio())
