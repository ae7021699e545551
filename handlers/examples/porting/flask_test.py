"""Runs the Python of handlers/PORTING.md on the real Flask-SocketIO.

stdin: {"blocks": [code], "emits": [code], "rooms": [code], "steps": [step], "visits": [[visit]]}
stdout: {"emits": [...], "rooms": [...], "steps": [...], "visits": [...]}, what the clients got.
A step is [client, event, argument...], and each client connects with the first; behind
its name is its namespace, if that is not "/". "disconnect" ends it. A visit is what a
browser asks for; without a path it opens a socket with its cookies.
"""
import ast
import functools
import json
import os
import sys

from flask import Blueprint, Flask, redirect, render_template_string, request, session
from flask_socketio import (
    ConnectionRefusedError, Namespace, SocketIO, call, close_room, disconnect,
    emit, join_room, leave_room, rooms, send)

AUTH = {'token': 'secret'}


def received(client, namespace=None):
    if not client.is_connected(namespace):
        return 'disconnected'
    events = []
    for event in client.get_received(namespace):
        args = event['args']
        if event['name'] in ('message', 'json'):
            args = [args]  # the test client unwraps these
        events.append([event['name'], *args])
    return events


def run_row(row, code, in_room, probe):
    """Runs one line in a handler of a, with b as sid, and tells who got what.

    With probe it is who is in the room afterwards."""
    a, b, c = (socketio.test_client(app, auth=AUTH) for _ in range(3))
    other = socketio.test_client(app, namespace='/test')
    scope = {'room': 'room', 'sid': socketio.server.manager.sid_from_eio_sid(b.eio_sid, '/')}
    for client in (a, b, c):
        client.get_received()
    if in_room:
        a.emit('setup join')
        b.emit('setup join')
    socketio.on_event(row, lambda: exec(code, globals(), scope))
    a.emit(row)
    if probe:
        socketio.emit('member', to='room')
    got = [received(a), received(b), received(c), received(other, '/test')]
    for client in (a, b, c):
        if client.is_connected():
            client.disconnect()
    other.disconnect('/test')
    return got


def run_steps(steps):
    clients, results = {}, []
    for name, event, *args in steps:
        namespace = '/' + name.partition('/')[2]
        if name not in clients:
            clients[name] = socketio.test_client(app, namespace=namespace, auth=AUTH)
        client, ack = clients[name], []
        if event == 'disconnect':
            client.disconnect(namespace)
        else:
            ack = client.emit(event, *args, callback=True, namespace=namespace)
        results.append([ack, received(client, namespace)])
    return results


def run_visits(visits):
    browsers, results = {}, []
    listener = socketio.test_client(app, auth=AUTH)
    listener.get_received()
    for [visit] in visits:
        browser = browsers.setdefault(visit['browser'], app.test_client())
        if not visit['path']:
            client = socketio.test_client(app, auth=AUTH, flask_test_client=browser)
            ack = client.emit('whoami', callback=True)
            results.append([0, '', json.dumps(None if ack == [] else ack), received(listener)])
            continue
        got = browser.open(visit['path'], method=visit['method'], data=visit['form'], headers=visit['header'])
        text = '' if got.status_code == 302 else got.get_data(as_text=True).strip()
        results.append([got.status_code, got.headers.get('Location', ''), text, received(listener)])
    return results


data = json.load(sys.stdin)
app = Flask(__name__)
app.secret_key = 'for a test'
socketio = SocketIO(app, async_mode='threading')
stdout, sys.stdout = sys.stdout, sys.stderr  # what handlers print is not the answer
for block in data['blocks']:
    exec(compile(ast.parse(block), 'PORTING.md', 'exec'))
socketio.on_event('setup join', lambda: join_room('room'))
test_divide()
json.dump({
    'emits': [run_row(f'emit {i}', code, True, False) for i, code in enumerate(data['emits'])],
    'rooms': [run_row(f'rooms {i}', code, not code.startswith('join_room'), True) for i, code in enumerate(data['rooms'])],
    'steps': run_steps(data['steps']),
    'visits': run_visits(data['visits']),
}, stdout)
stdout.flush()
os._exit(0)  # past the background task, which has no end
