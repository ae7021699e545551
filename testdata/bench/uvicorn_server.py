"""The chat on python-socketio's ASGI server under uvicorn, with their defaults. It names its address on stderr."""

import socket
import sys

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode='asgi')


@sio.on('connect')
async def handle_connect(sid, environ):
    print('Client connected')


@sio.on('message')
async def handle_message(sid, message):
    print('Received message:', message)
    await sio.emit('message', message)


@sio.on('rtt')
async def handle_rtt(sid, message):
    pass


@sio.on('join')
async def handle_join(sid, first, count):
    for i in range(first, first + count):
        sio.enter_room(sid, f'r{i}')


@sio.on('say')
async def handle_say(sid, room, message):
    await sio.emit('message', message, to=room)


@sio.on('disconnect')
async def handle_disconnect(sid):
    print('Client disconnected')


listener = socket.create_server(('127.0.0.1', 0), backlog=2048)
print(f'listening on 127.0.0.1:{listener.getsockname()[1]}', file=sys.stderr, flush=True)
# A line for each request is no part of the chat.
server = uvicorn.Server(uvicorn.Config(socketio.ASGIApp(sio), log_level='warning'))
server.run(sockets=[listener])
