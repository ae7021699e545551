"""Runs the document's server, seed.py beside this file, as it stands.

    python3 -u launch.py '{"cookie": "io"}'

Only what comes from outside is chosen here: a free port of 127.0.0.1, which eventlet
names on stderr, and the Engine.IO settings of the argument, which an operator would have
given to SocketIO(). The process ends when its stdin does, so that it cannot outlive the
test that started it.
"""

import json
import os
import runpy
import sys
import threading

import flask_socketio

settings = json.loads(sys.argv[1])
run_as_written = flask_socketio.SocketIO.run


def run(socketio, app):
    for name, value in settings.items():
        getattr(socketio.server.eio, name)  # a misspelt one must not pass in silence
        setattr(socketio.server.eio, name, value)
    # log_output makes eventlet write the port that it got.
    run_as_written(socketio, app, host='127.0.0.1', port=0, log_output=True)


def end_with_stdin():
    os.read(0, 1)
    os._exit(0)


flask_socketio.SocketIO.run = run
threading.Thread(target=end_with_stdin, daemon=True).start()
runpy.run_path(os.path.join(os.path.dirname(__file__), 'seed.py'), run_name='__main__')
