# Python's client in a room: when it hears "go" it says a text and an object with bytes, and it
# reports on one line what it has heard once that are so many messages.
# Usage: room.py URL COUNT
import json
import sys
import threading

import socketio

url, count = sys.argv[1], int(sys.argv[2])
client = socketio.Client(reconnection=False)
heard, done, lock = [], threading.Event(), threading.Lock()


@client.on("message")
def message(data):
    with lock:
        heard.append(data)
        if len(heard) == count:
            done.set()
    if data == "go":
        client.send("text from python")
        client.send({"from": "python", "deep": [{"bytes": b"python"}, 2**63 - 1, None]})


client.on("disconnect", lambda *args: done.set())
client.connect(url)
print("joined", flush=True)
done.wait(60)
print(json.dumps(heard, default=lambda b: {"$bytes": b.hex()}), flush=True)
client.disconnect()
