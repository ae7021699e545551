"""The python-socketio that is installed here, for comparison. Its version is the
first line written.

publish    calls a manager's methods and writes what it would publish: a line
           each, the pickle in base64.
receive    reads lines of messages in base64, has a server with three clients
           handle each, and writes what it sends them: a line of JSON each, a
           list of [client, packet, attachment in base64, ...]. The clients are
           "a" and "b", both in room1, and "c" in namespace /chat.
"""
import base64
import importlib.metadata
import json
import pickle
import sys

import socketio
from socketio import pubsub_manager


class Manager(pubsub_manager.PubSubManager):
    """Publishes to a list, as RedisManager does to Redis."""

    def __init__(self, messages=()):
        super().__init__(channel='flask-socketio')
        self.host_id = 'H'
        self.messages = messages
        self.published = []

    def _publish(self, data):
        self.published.append(pickle.dumps(data))

    def _listen(self):
        yield from self.messages


def publish():
    m = Manager()
    m.server = object()
    m.emit('message', 'hello')
    m.emit('message', None)
    m.emit('message', ())
    m.emit('message', ('a', 1))
    m.emit('message', (None,))
    m.emit('message', [1, 2])
    m.emit('message', {'z': 1, 'a': b'xyz', 'n': 2 ** 70, 'f': 2.0}, namespace='/chat')
    m.emit('message', b'\x00\x01', room='room1', skip_sid='S')
    m.emit('message', 'é😀', room=['r1', 'r2'], skip_sid=['S1', 'S2'])
    m.emit('message', 1, room=5)
    m.emit('message', 'q', room='SID', callback=lambda *args: None)
    m._return_callback('H2', 'SID', '/', 7, 'ack1', {'z': 1}, b'b')
    m.close_room('room1')
    m.disconnect('SID', '/chat')
    for message in m.published:
        print(base64.b64encode(message).decode())


def receive():
    for line in sys.stdin:
        manager = Manager([base64.b64decode(line)])
        server = socketio.Server(client_manager=manager, async_mode='threading')
        names = iter('abc')
        server.eio.generate_id = lambda: next(names)
        sent = []

        def send(eio_sid, packet):
            encoded = packet.encode()
            parts = encoded if isinstance(encoded, list) else [encoded]
            sent.append([eio_sid, parts[0]] + [base64.b64encode(p).decode() for p in parts[1:]])

        server._send_packet = send
        for eio_sid, namespace in (('a', '/'), ('b', '/'), ('c', '/chat')):
            server.environ[eio_sid] = {}
            sid = manager.connect(eio_sid, namespace)
            if namespace == '/':
                manager.enter_room(sid, namespace, 'room1')
        manager._thread()
        print(json.dumps(sent))


if __name__ == '__main__':
    print(importlib.metadata.version('python-socketio'))
    {'publish': publish, 'receive': receive}[sys.argv[1]]()
