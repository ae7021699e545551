"""A Flask-SocketIO server on the message queue: the chat of the Python example, a room
that clients may join, and an event that is acknowledged.

    /usr/bin/python3 -u flask_server.py REDIS_URL

eventlet names the port on stderr. The process ends when its stdin does, so that it
cannot outlive the test that started it.
"""

import os
import sys
import threading

import eventlet


def end_with_stdin(read=os.read):
    read(0, 1)
    os._exit(0)


threading.Thread(target=end_with_stdin, daemon=True).start()  # a real one: before the patch
eventlet.monkey_patch()

import flask  # noqa: E402: everything after the patch
import flask_socketio  # noqa: E402

app = flask.Flask(__name__)
socketio = flask_socketio.SocketIO(app, message_queue=sys.argv[1], async_mode='eventlet')


@socketio.on('message')
def handle_message(message):
    socketio.emit('message', message)


@socketio.on('join')
def handle_join(room):
    flask_socketio.join_room(room)
    return 'joined'


@socketio.on('to')
def handle_to(room, event, data):
    socketio.emit(event, tuple(data), to=room)


@socketio.on('close')
def handle_close(room):
    socketio.close_room(room)


@socketio.on('ask')
def handle_ask(sid):
    socketio.emit('question', 'what', to=sid, callback=lambda *args: socketio.emit('answered', args))


socketio.run(app, host='127.0.0.1', port=0, log_output=True)
