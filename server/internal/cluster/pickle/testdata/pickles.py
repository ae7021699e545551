"""What Python makes of pickles, for comparison.

write SEED COUNT   writes pickles of random values, a line each: the protocol,
                   the pickle in base64, and what json.dumps makes of the value,
                   with bytes as placeholders, NaN and infinities as null;
                   "refused" in place of it where a protocol has to call something.
read               reads lines of JSON and a pickle, both in base64 and apart by
                   a space, and writes "same" or what differs.
"""
import base64
import json
import math
import pickle
import random
import sys


def value(rnd, depth, shared):
    kind = rnd.randrange(14 if depth > 0 else 9)
    if kind == 0:
        return None
    if kind == 1:
        return rnd.random() < 0.5
    if kind <= 3:
        bits = rnd.choice([4, 8, 9, 16, 17, 31, 32, 33, 63, 64, 65, 200, 2040, 2100, 14000])
        n = rnd.getrandbits(bits) + rnd.choice([0, 0, 1 << (bits - 1)])
        return rnd.choice([n, -n])
    if kind == 4:
        return rnd.choice([rnd.uniform(-1, 1), rnd.randint(-9, 9) / 1, 10.0 ** rnd.randint(-320, 308) * rnd.random(),
                           0.0, -0.0, 1e16, 1e15, 1e-4, 1e-5, math.nan, math.inf, -math.inf])
    if kind <= 7:
        return text(rnd)
    if kind == 8:
        return bytes(rnd.randrange(256) for _ in range(rnd.choice([0, 1, 5, 300])))
    size = rnd.choice([0, 1, 2, 3, 4, 20])
    if kind == 9:
        return tuple(value(rnd, depth - 1, shared) for _ in range(size))
    if kind == 10 and shared:
        return rnd.choice(shared)
    if kind <= 12:
        made = {key(rnd): value(rnd, depth - 1, shared) for _ in range(size)}
    else:
        made = [value(rnd, depth - 1, shared) for _ in range(size)]
    shared.append(made)
    return made


def text(rnd):
    letters = ['a', 'Z', ' ', '\\', '\\u0041', '"', '\n', '\r', '\x00', '\x1a', '\x7f', 'é', 'ÿ', '\u2028', '\ud800',
               '\udfff', '\ud83d\ude00', '😀', '/', '\\U', '\x1f']
    return ''.join(rnd.choice(letters) for _ in range(rnd.choice([0, 1, 2, 8, 300])))


def key(rnd):
    return rnd.choice([text(rnd), text(rnd), 'k%d' % rnd.randrange(100), rnd.randrange(-5, 300), True, None, 1.5, 1e16])


def shown(v, attachments):
    """v as json.dumps can take it."""
    if isinstance(v, bytes):
        attachments.append(v)
        return {'_placeholder': True, 'num': len(attachments) - 1}
    if isinstance(v, float) and not math.isfinite(v):
        return None
    if isinstance(v, (list, tuple)):
        return [shown(x, attachments) for x in v]
    if isinstance(v, dict):
        return {k: shown(x, attachments) for k, x in v.items()}
    return v


def write(seed, count):
    rnd = random.Random(seed)
    for _ in range(count):
        v = value(rnd, 4, [])
        attachments = []
        text = json.dumps(shown(v, attachments), separators=(',', ':'))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            result = 'refused' if attachments and protocol < 3 else base64.b64encode(text.encode()).decode()
            print(protocol, base64.b64encode(pickle.dumps(v, protocol)).decode(), result)


def restored(v):
    if isinstance(v, list):
        return [restored(x) for x in v]
    if isinstance(v, dict):
        if v.get('_placeholder') is True:
            return b'attachment %d' % v['num']
        return {k: restored(x) for k, x in v.items()}
    return v


def read():
    for line in sys.stdin:
        text, pickled = (base64.b64decode(part) for part in line.split())
        want, got = repr(restored(json.loads(text))), repr(pickle.loads(pickled))
        print('same' if want == got else 'want %.300s, got %.300s' % (want, got))


if __name__ == '__main__':
    sys.set_int_max_str_digits(0)
    if sys.argv[1] == 'write':
        write(int(sys.argv[2]), int(sys.argv[3]))
    else:
        read()
