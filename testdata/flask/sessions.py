"""Flask's sessions for server/flasksession: each line of stdin asks, each line of stdout answers, both JSON.

op      what it does
write   saves the session that "value", a Python expression, gives; answers with "header" (Set-Cookie), "vary", "cookie"
random  the same with random values of "seed"
read    opens the session of "cookie"
All answer with "told", a description of what Flask reads in the cookie, which Go can make as well, and with "found".
"""
import datetime
import functools
import json
import math
import random
import struct
import sys
import uuid

from flask import Flask
from markupsafe import Markup

NAMES = {'datetime': datetime, 'uuid': uuid, 'Markup': Markup, 'nan': math.nan, 'inf': math.inf}


def tell(v):
    """Describes a value with its type and, for a dict, its order."""
    if v is None or isinstance(v, bool):
        return str(v)
    if isinstance(v, int):
        return 'int %d' % v
    if isinstance(v, float):
        return 'float nan' if math.isnan(v) else 'float ' + struct.pack('>d', v).hex()
    if isinstance(v, Markup):
        return 'markup ' + v.encode('utf-8').hex()
    if isinstance(v, str):
        return 'str ' + v.encode('utf-8').hex()
    if isinstance(v, bytes):
        return 'bytes ' + v.hex()
    if isinstance(v, uuid.UUID):
        return 'uuid ' + v.hex
    if isinstance(v, datetime.datetime):
        if v.tzinfo is None:
            v = v.replace(tzinfo=datetime.timezone.utc)
        return 'date %d' % v.timestamp()
    if isinstance(v, tuple):
        return '(' + ','.join(map(tell, v)) + ')'
    if isinstance(v, list):
        return '[' + ','.join(map(tell, v)) + ']'
    if isinstance(v, dict):
        return '{' + ','.join(tell(k) + ':' + tell(w) for k, w in v.items()) + '}'
    raise TypeError(type(v))


def text(r):
    alphabet = ['a', 'Z', ' ', '"', '\\', '/', '<', '&', '\n', '\x00', '\x7f', 'ë', '\u2028', '漢', '\U0001f600', '.']
    return ''.join(r.choice(alphabet) for _ in range(r.randrange(12)))


def key(r):
    tags = [' t', ' b', ' m', ' u', ' d', ' di', ' t__', ' di__', ' ', '', '__', 'NaN', 'null', '_permanent']
    return r.choice(tags) if r.random() < 0.5 else text(r)


def value(r, depth):
    kind = r.randrange(16 if depth else 12)
    if kind == 0:
        return None
    if kind == 1:
        return r.random() < 0.5
    if kind == 2:
        return r.randrange(-1000, 1000)
    if kind == 3:
        return r.randrange(-2**200, 2**200) >> r.randrange(200)
    if kind == 4:
        return r.choice([0.0, -0.0, 1.0, 1e21, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan])
    if kind == 5:
        return struct.unpack('>d', r.getrandbits(64).to_bytes(8, 'big'))[0]
    if kind in (6, 7):
        return text(r)
    if kind == 8:
        return bytes(r.randrange(256) for _ in range(r.randrange(20)))
    if kind == 9:
        return Markup(text(r))
    if kind == 10:
        return uuid.UUID(int=r.getrandbits(128))
    if kind == 11:
        return datetime.datetime(1000, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
            seconds=r.randrange(8000 * 365 * 86400))
    if kind == 12:
        return [value(r, depth - 1) for _ in range(r.randrange(4))]
    if kind == 13:
        return tuple(value(r, depth - 1) for _ in range(r.randrange(4)))
    return {key(r): value(r, depth - 1) for _ in range(r.choice([0, 1, 1, 1, 2, 3]))}


def read(app, cookie):
    with app.test_request_context(headers={'Cookie': 'session=' + cookie}) as context:
        return dict(app.session_interface.open_session(app, context.request))


def write(app, ask):
    with app.test_request_context() as context:
        session = app.session_interface.open_session(app, context.request)
        if ask['op'] == 'random':
            r = random.Random(ask['seed'])
            session.update({key(r): value(r, 3) for _ in range(r.randrange(1, 6))})
        else:
            session.update(eval(ask['value'], dict(NAMES)))
        if ask.get('permanent'):
            session.permanent = True
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
        return response.headers


@functools.cache
def make_app(key, config, unsorted):
    app = Flask(__name__)
    app.secret_key = bytes.fromhex(key)
    app.config.update(json.loads(config))
    app.json.sort_keys = not unsorted
    return app


def handle(ask):
    app = make_app(ask['key'], json.dumps(ask.get('config', {})), ask.get('unsorted', False))
    answer = {'cookie': ask.get('cookie')}
    if ask['op'] != 'read':
        headers = write(app, ask)
        answer.update(header=headers.get('Set-Cookie', ''), vary=headers.get('Vary', ''))
        answer['cookie'] = answer['header'].partition(';')[0].partition('=')[2]
    session = read(app, answer['cookie'])
    answer.update(found=bool(session), told=tell(session))
    return answer


for line in sys.stdin:
    print(json.dumps(handle(json.loads(line))), flush=True)
