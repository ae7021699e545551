"""A Python process that emits through the message queue, as a Celery worker does.

    /usr/bin/python3 -u emitter.py REDIS_URL

Each line of stdin is a JSON object that names a method, with its keyword arguments;
each is answered with {}. {"$bytes": "00ff"} stands for bytes, {"$tuple": [...]} for a
tuple. It ends with its stdin.
"""

import json
import sys

import flask_socketio
import redis
import socketio

url = sys.argv[1]
flask = flask_socketio.SocketIO(message_queue=url)
manager = socketio.RedisManager(url, channel='flask-socketio', write_only=True)
raw = redis.Redis.from_url(url)


def revive(value):
    if isinstance(value, dict) and '$bytes' in value:
        return bytes.fromhex(value['$bytes'])
    if isinstance(value, dict) and '$tuple' in value:
        return tuple(map(revive, value['$tuple']))
    if isinstance(value, dict):
        return {k: revive(v) for k, v in value.items()}
    if isinstance(value, list):
        return [revive(v) for v in value]
    return value


METHODS = {
    'emit': flask.emit,
    'send': flask.send,
    'close_room': flask.close_room,
    'disconnect': manager.disconnect,
    # What newer versions of python-socketio publish, in their JSON.
    'publish': lambda message: raw.publish('flask-socketio', json.dumps(message)),
}

print('{"ready": true}')
for line in sys.stdin:
    command = json.loads(line)
    method = METHODS[command.pop('do')]
    args = command.pop('args', [])
    method(*[revive(a) for a in args], **{k: revive(v) for k, v in command.items()})
    print('{}')
