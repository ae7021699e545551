"""The chat on Flask-SocketIO under eventlet, as its example has it. It names its address on stderr."""

import socket
import sys

from flask import Flask
from flask_socketio import SocketIO, join_room

app = Flask(__name__)
socketio = SocketIO(app, async_mode='eventlet')


@socketio.on('connect')
def handle_connect():
    print('Client connected')


@socketio.on('message')
def handle_message(message):
    print('Received message:', message)
    socketio.emit('message', message)


@socketio.on('rtt')
def handle_rtt(message):
    pass


@socketio.on('join')
def handle_join(first, count):
    for i in range(first, first + count):
        join_room(f'r{i}')


@socketio.on('say')
def handle_say(room, message):
    socketio.emit('message', message, to=room)


@socketio.on('disconnect')
def handle_disconnect():
    print('Client disconnected')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


port = free_port()  # eventlet tells the port it picked only when it logs every request, too
print(f'listening on 127.0.0.1:{port}', file=sys.stderr, flush=True)
# eventlet serves 1024 connections at a time unless told otherwise; the rest wait for ever
socketio.run(app, host='127.0.0.1', port=port, max_size=20000)
